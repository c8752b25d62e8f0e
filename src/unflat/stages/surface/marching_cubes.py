"""The zero level of a field as triangles."""

from __future__ import annotations

from dataclasses import dataclass

from unflat.core import Context, Field, Mesh, PointCloud, Reconstruction, StageFailed
from unflat.geometry.isosurface import isosurface


@dataclass(frozen=True)
class MarchingCubes:
    """Marching cubes (Lorensen and Cline 1987; Lewiner et al. 2003). A shape that is a mesh already stays as it is."""

    def __call__(self, reconstruction: Reconstruction, context: Context) -> Reconstruction:
        """Give the reconstruction with a closed mesh, in the field's frame. Linear in the grid: 0.3 s at 256³.

        Raises `StageFailed` for a field without inside (``no-surface``) and for a point cloud (``wrong-shape``).
        """
        shape = reconstruction.shape
        if isinstance(shape, Mesh):
            return reconstruction
        if isinstance(shape, PointCloud):
            raise StageFailed(
                f"Marching cubes needs a field, found a point cloud of {len(shape.points)} points.",
                code="wrong-shape",
                hint="Use a reconstructor that gives a field or a mesh, or turn the cloud into a mesh first.",
            )
        assert isinstance(shape, Field)
        context.progress(0.0)
        mesh = isosurface(shape)
        context.progress(1.0)
        return reconstruction.with_mesh(mesh)
