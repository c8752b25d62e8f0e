"""Visual hull: the largest body that all silhouettes allow."""

from __future__ import annotations

from dataclasses import dataclass

from unflat.core import Camera, Context, Drawing, InputError, Mask, RecipeError, Reconstruction, Scale, Views
from unflat.geometry.field_at_origin import field_at_origin
from unflat.geometry.hull import hull_field

_FEWEST_VIEWS = 2


@dataclass(frozen=True)
class VisualHull:
    """What the outlines of several photos with known cameras allow, as a smooth field."""

    resolution: int = 224
    """voxels along the longest side"""
    agree: float = 1.0
    """share of the views whose outline a point must lie in; 0.9 tolerates one bad mask in ten"""
    metric: bool = False
    """whether the cameras are in metres; then the hull stays where they put it"""

    def __post_init__(self) -> None:
        if not 16 <= self.resolution <= 1024:
            raise RecipeError(
                f"visual-hull.resolution can't be {self.resolution}.",
                code="bad-option",
                hint="Give a whole number from 16 to 1024; memory grows with its cube.",
            )
        if not 0.5 <= self.agree <= 1:
            raise RecipeError(
                f"visual-hull.agree can't be {self.agree}.", code="bad-option", hint="Give a share from 0.5 to 1."
            )

    def __call__(self, source: Views | Drawing, context: Context) -> Reconstruction:
        """The hull as a `Field`.

        METRIC, in the cameras' world, with the option `metric`; otherwise UP_TO_SCALE: moved to the origin, its longest
        side 1, cameras along with it (turned as they are). Raises `InputError`: ``too-few-views``, ``no-camera``,
        ``no-mask``, ``silhouettes-disagree``, ``views-too-alike``. Time is linear in views times voxels near the
        surface: 2 s for 24 views at 224.
        """
        cameras, masks = _checked(source)
        # At least two outlines must bound every point, however many may be wrong.
        allowed_misses = min(int((1 - self.agree) * len(masks) + 1e-9), len(masks) - _FEWEST_VIEWS)
        alphas = tuple(mask.alpha for mask in masks)
        field = hull_field(cameras, alphas, self.resolution, allowed_misses, context.progress)
        assert isinstance(source, Views)
        if self.metric:
            return Reconstruction(field, source, Scale.METRIC)
        return field_at_origin(field, source)


def _checked(source: Views | Drawing) -> tuple[tuple[Camera, ...], tuple[Mask, ...]]:
    """The cameras and masks. Raises `InputError` where something is missing."""
    count = 0 if isinstance(source, Drawing) else len(source.items)
    if isinstance(source, Drawing) or count < _FEWEST_VIEWS:
        raise InputError(
            f"A visual hull needs at least {_FEWEST_VIEWS} views with cameras, found {count}.",
            code="too-few-views",
            hint="Give more photos with --cameras; for one picture use the recipe “photo” or “drawing”.",
        )
    for view in source.items:
        if view.camera is None:
            raise InputError(
                f"“{view.photo.name}” has no camera.",
                code="no-camera",
                hint="Give --cameras with an entry for each photo.",
            )
        if view.mask is None:
            raise InputError(
                f"“{view.photo.name}” has no mask.",
                code="no-mask",
                hint="Keep the segment stage in the recipe, or give pictures with transparency.",
            )
    cameras = tuple(view.camera for view in source.items if view.camera is not None)
    return cameras, tuple(view.mask for view in source.items if view.mask is not None)
