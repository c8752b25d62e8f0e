"""What a reconstructor gives: a shape, the views that look at it, and its scale."""

from __future__ import annotations

from dataclasses import dataclass, replace

from unflat.core.arrays import require
from unflat.core.errors import StageFailed
from unflat.core.scale import Scale
from unflat.core.shape import Field, Mesh, PointCloud
from unflat.core.view import Views

Shape = Field | PointCloud | Mesh
"""Any shape."""


@dataclass(frozen=True, eq=False)
class Reconstruction:
    """A shape with the views that saw it; every view has a camera, in the shape's frame."""

    shape: Shape
    views: Views
    scale: Scale = Scale.UP_TO_SCALE
    detail: Mesh | None = None
    """The fine mesh that a decimation started from; normal maps are baked from it."""
    dense: Views | None = None
    """Undistorted, smaller copies of the views with depth and normals, where a dense stage made them."""
    ground: tuple[float, float, float, float] | None = None
    """The plane a x + b y + c z = d that the object stands on, (a, b, c) unit and upwards; None where there is none."""

    def __post_init__(self) -> None:
        require(
            all(view.camera is not None for view in self.views.items),
            "A view has no camera.",
            code="no-camera",
            hint="Estimate the pose before you reconstruct.",
        )

    @property
    def mesh(self) -> Mesh:
        """The shape, which must be a mesh by now."""
        if not isinstance(self.shape, Mesh):
            raise StageFailed(
                f"Expected a mesh, found a {type(self.shape).__name__}.",
                code="not-a-mesh",
                hint="Run a surface stage first.",
            )
        return self.shape

    def with_mesh(self, mesh: Mesh) -> Reconstruction:
        """The same reconstruction with another mesh."""
        return replace(self, shape=mesh)
