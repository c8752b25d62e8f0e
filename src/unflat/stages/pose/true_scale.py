"""The true scale of placed photos: by markers, by lengths marked in photos, by GPS; the first that tells it counts."""

from __future__ import annotations

import difflib
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from jaxtyping import Float64

from unflat.core import Camera, Context, InputError, Scale, View, Views
from unflat.geometry.gps_fit import FEWEST, extent_m, fitted_to_gps
from unflat.geometry.known_lengths import MOST_APART, AgreedScale, KnownLength, agreed_scale, measured_length
from unflat.geometry.markers import COMMON_KINDS, MarkerKind, MarkerName, SeenMarker, find_markers, measured_sides
from unflat.geometry.moving import transformed_views
from unflat.geometry.similarities import scaling
from unflat.io.earth import local_positions
from unflat.io.mapped import let_go

_CLICK_TOLERANCE = 0.005
"""A marked end may be so far, as a share of the photo's diagonal, from where it projects."""
_NEAREST_M = 15.0
"""GPS is good to 3 to 5 metres: photos within less of each other tell no scale."""
_WORST_GPS_ERROR = 0.1
_FINEST_ERROR = 0.001
"""No better is claimed: prints, rulers and lenses are not known better."""


@dataclass(frozen=True)
class ScaleClues:
    """What may tell the scale, in the order in which it is trusted."""

    marker_m: float | None = None
    """Side of the markers' black squares, None: none are looked for."""
    marker_kinds: tuple[MarkerKind, ...] = COMMON_KINDS
    lengths: tuple[KnownLength, ...] = ()
    gps: bool = True


def refuse_unmarkable(lengths: tuple[KnownLength, ...], source: Views) -> None:
    """Raise `InputError` where a length is marked in a photo that is not there, or outside of it."""
    for length in lengths:
        for name, ends in length.marks:
            photo = source.items[_index_of(name, source)].photo
            width, height = photo.file_size_px or (photo.width, photo.height)
            if max(ends[0::2]) > width or max(ends[1::2]) > height:
                raise InputError(
                    f"A point marked in “{name}” lies outside of its {width}x{height} pixels.",
                    code="point-outside",
                    hint="Give pixels of the photo's file, from its top left, as it is seen upright.",
                )


def truly_scaled(placed: Views, clues: ScaleClues, context: Context, *, keep_frame: bool) -> Views:
    """The views in metres where a clue tells the scale, else as they are; which, or why none, is told as a warning.

    Markers and lengths change the scale alone, about the origin. GPS turns the world, too: X east, Y up, Z south; not
    where `keep_frame` says that the world is the user's.
    """
    ways: list[Callable[[], AgreedScale | None]] = []
    if clues.marker_m is not None:
        side_m = clues.marker_m
        ways.append(lambda: _by_markers(placed, side_m, clues.marker_kinds, context))
    if clues.lengths:
        ways.append(lambda: _by_lengths(placed, clues.lengths, context))
    for way in ways:
        if (scale := way()) is not None:
            return moved(placed, scaling(scale.factor), Scale.METRIC)
    located = None if keep_frame or not clues.gps else _by_gps(placed, context)
    return placed if located is None else moved(placed, located, Scale.METRIC)


def moved(placed: Views, similarity: Float64[np.ndarray, "4 4"], scale: Scale) -> Views:
    """The views and their tracks after the world was moved, turned and uniformly scaled."""
    there = transformed_views(placed, similarity)
    assert there.tracks is not None
    return Views(there.items, replace(there.tracks, scale=scale))


def _by_markers(placed: Views, side_m: float, kinds: tuple[MarkerKind, ...], context: Context) -> AgreedScale | None:
    seen: dict[MarkerName, list[tuple[Camera, SeenMarker]]] = {}
    for done, view in enumerate(placed.items):
        camera = _camera(view)
        for marker in find_markers(view.photo.pixels, camera, kinds):
            seen.setdefault(marker.name, []).append((camera, marker))
        let_go(view.photo.pixels)
        context.progress((done + 1) / len(placed.items))
    if not seen:
        context.warn("No marker was found in the photos, so markers tell no scale: they must be sharp, flat, wholly in "
                     "the picture with white around them, and at least 25 pixels wide.")  # fmt: skip
        return None
    measured = measured_sides(seen, side_m, context.seed)
    if not measured:
        context.warn("No marker is seen in two photos or more from different sides as the same square, so markers tell "
                     "no scale.")  # fmt: skip
        return None
    scale = agreed_scale([side for sides in measured.values() for side in sides])
    if scale is None:
        context.warn(f"The markers differ in size by more than {MOST_APART:.0%}, so they tell no scale: are all of "
                     f"them {side_m * 1000:g} mm wide?")  # fmt: skip
        return None
    count = "a marker" if len(measured) == 1 else f"{len(measured)} markers"
    context.warn(f"The scale comes from {count} of {side_m * 1000:g} mm, good to about {_percent(scale.error)}.")
    return scale


def _by_lengths(placed: Views, lengths: tuple[KnownLength, ...], context: Context) -> AgreedScale | None:
    measured = []
    for length in lengths:
        there = [(view, ends) for name, ends in length.marks if (view := _placed(name, placed)) is not None]
        cameras = [_camera(view) for view, _ in there]
        if len(cameras) < 2:
            context.warn(f"The ends of {length.metres:g} m are marked in fewer than two photos that could be placed, "
                         "so they tell no scale.")  # fmt: skip
            continue
        pixels = np.stack([_ends_px(view, ends) for view, ends in there])
        diagonal = float(np.mean([np.hypot(camera.width_px, camera.height_px) for camera in cameras]))
        found = measured_length(length.metres, cameras, pixels, max(_CLICK_TOLERANCE * diagonal, 2.0))
        if found is None:
            context.warn(f"The ends of {length.metres:g} m are not the same two places in all photos, or the photos "
                         "are taken from one side, so they tell no scale.")  # fmt: skip
            continue
        measured.append(found)
    scale = agreed_scale(measured)
    if scale is None:
        if measured:
            context.warn(f"The known lengths contradict each other by more than {MOST_APART:.0%}: they tell no scale.")
        return None
    count = "a known length" if len(measured) == 1 else f"{len(measured)} known lengths"
    context.warn(f"The scale comes from {count}, good to about {_percent(scale.error)}.")
    return scale


def _by_gps(placed: Views, context: Context) -> Float64[np.ndarray, "4 4"] | None:
    known = [(view, view.photo.gps) for view in placed.items if view.photo.gps is not None]
    if not known:
        return None
    positions = local_positions([place for _, place in known])
    if len(known) < FEWEST:
        context.warn(f"Only {len(known)} of the photos say by GPS where they were taken: too few to tell the scale.")
        return None
    if (extent := max(extent_m(positions), 1.0)) < _NEAREST_M:
        context.warn(f"By GPS the photos were taken within {extent:.0f} m of each other: too near to tell the scale.")
        return None
    fit = fitted_to_gps(np.stack([_camera(view).center for view, _ in known]), positions, context.seed)
    if fit is None:
        context.warn("The photos' GPS positions do not fit to their cameras, so they tell no scale.")
        return None
    if fit.error > _WORST_GPS_ERROR:
        context.warn(f"The photos' GPS positions tell the scale only to {fit.error:.0%}, so it was left open.")
        return None
    context.warn(f"The scale and north come from the GPS positions of {int(fit.agreeing.sum())} photos, good to about "
                 f"{_percent(fit.error)}.")  # fmt: skip
    similarity = fit.similarity.copy()
    similarity[:3, 3] = 0.0  # what the cameras look at stays the origin: float32 knows no places on Earth
    return similarity


def _camera(view: View) -> Camera:
    assert view.camera is not None, "the views are placed"
    return view.camera


def _ends_px(view: View, ends: tuple[float, float, float, float]) -> Float64[np.ndarray, "2 2"]:
    """Pixels of the file as pixels of the photo, which may be smaller."""
    width, height = view.photo.file_size_px or (view.photo.width, view.photo.height)
    return np.array(ends).reshape(2, 2) * [view.photo.width / width, view.photo.height / height]


def _placed(name: str, placed: Views) -> View | None:
    found = _matches(name, placed)
    return placed.items[found[0]] if found else None


def _matches(name: str, views: Views) -> list[int]:
    """Which views are called so: with ending, else without."""
    for part in ("name", "stem"):
        wanted = getattr(Path(name), part).casefold()
        found = [index for index, other in enumerate(views.names) if getattr(Path(other), part).casefold() == wanted]
        if found:
            return found
    return []


def _index_of(name: str, source: Views) -> int:
    found = _matches(name, source)
    if len(found) == 1:
        return found[0]
    near = difflib.get_close_matches(name, source.names, n=1)
    raise InputError(
        f"{'No photo is' if not found else 'Several photos are'} called “{name}”, where a length is marked.",
        code="no-such-photo",
        hint=f"Did you mean “{near[0]}”?" if near else f"Photos are called as “{source.names[0]}”.",
    )


def _percent(error: float) -> str:
    return f"{max(error, _FINEST_ERROR):.1%}"
