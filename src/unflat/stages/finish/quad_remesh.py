"""Clean quads."""

from __future__ import annotations

from dataclasses import dataclass, replace

from unflat.core import Context, Mesh, RecipeError, Reconstruction, StageFailed
from unflat.geometry.closest import carried_from_surface
from unflat.geometry.closing import repaired
from unflat.geometry.meshes import signed_volume
from unflat.geometry.quads import quad_mesh
from unflat.geometry.topology import is_closed, is_manifold

_KEPT_VOLUME = 0.7
"""Quads that hold less of the volume have lost a limb or a wall."""
_FEWEST_QUADS, _MOST_QUADS = 24, 500_000


@dataclass(frozen=True)
class QuadRemesh:
    """Quads of even size that follow the curvature, for editing, subdividing and animating (Jakob et al. 2015)."""

    quads: int = 5000
    """How many quads to aim at; the result is within a quarter of it where the shape allows."""

    def __post_init__(self) -> None:
        if not _FEWEST_QUADS <= self.quads <= _MOST_QUADS:
            raise RecipeError(
                f"finish.quad-remesh.quads can't be {self.quads}.",
                code="bad-option",
                hint=f"Give a number from {_FEWEST_QUADS} to {_MOST_QUADS}.",
            )

    def __call__(self, reconstruction: Reconstruction, context: Context) -> Reconstruction:
        """Give the quad mesh of `quads_over`; the mesh before becomes ``detail`` unless there is one already.

        Colours and confidence are those of the nearest surface.
        """
        mesh = reconstruction.mesh
        made = carried_from_surface(mesh, quads_over(mesh, self.quads, context), float(mesh.extent.max()))
        return replace(reconstruction, shape=made, detail=reconstruction.detail or mesh)


def quads_over(mesh: Mesh, quads: int, context: Context) -> Mesh:
    """About that many quads in place of the triangles.

    Where a closed mesh comes out open, its holes are closed with triangles and it is no quad mesh any more, which is
    said. Raises `StageFailed`: ``quads-torn`` where walls are thinner than a quad, ``quads-failed`` where the library
    gives up.
    """
    made = quad_mesh(mesh, quads, context.progress)
    if made is None:
        raise StageFailed(
            f"No quads could be laid over this mesh of {len(mesh.faces)} faces.",
            code="quads-failed",
            hint="Make it watertight first, or keep the triangles.",
        )
    count = len(made.faces) // 2
    if abs(count / quads - 1) > 0.25:
        context.warn(f"The quad mesh has {count} quads instead of about {quads}.")
    if is_closed(mesh.faces) and not (is_closed(made.faces) and is_manifold(made.faces)):
        made = _closed(made, mesh)
        context.warn("The quads left holes, which were closed with triangles.")
    return made


def _closed(made: Mesh, original: Mesh) -> Mesh:
    """The quads with their holes closed by triangles. Raises `StageFailed` where too much is missing."""
    closed = repaired(replace(made, quads=False))
    if closed is None or signed_volume(closed.mesh) < _KEPT_VOLUME * signed_volume(original):
        raise StageFailed(
            f"The {len(made.faces) // 2} quads tear: some walls are thinner than a quad is wide.",
            code="quads-torn",
            hint="Ask for more quads (finish.quad-remesh.quads, or --faces of rework), or keep the triangles.",
        )
    return closed.mesh
