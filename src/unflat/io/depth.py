"""Depth maps from files: what depth cameras and depth networks write."""

from __future__ import annotations

from typing import Literal

import cv2
import numpy as np
from jaxtyping import Float32, Float64
from PIL import Image

from unflat.core.errors import InputError
from unflat.core.scale import Scale
from unflat.core.view import DepthMap
from unflat.io.deep import DeepPicture
from unflat.io.limits import DEFAULT_LIMITS, Limits, check_size
from unflat.io.npy import is_numpy, read_numpy
from unflat.io.pfm import is_pfm, read_pfm
from unflat.io.picture import open_picture, samples_of_image
from unflat.io.source import take

DepthKind = Literal["auto", "depth", "disparity", "relative"]
"""What the numbers mean: distance; its inverse up to a factor; or "near is bright" with unknown factor and offset."""

_MILLIMETRE_M = 0.001
"""Depth cameras write 16-bit pictures in millimetres."""

_FAR_OVER_NEAR = 5.0
"""What a relative map leaves open: depth of its darkest point over that of its brightest. A table, and the room."""

_ASPECT_TOLERANCE = 0.02
"""Depth networks round each side to a multiple of 14 or 32 pixels."""

_EDGE_RATIO = 1.05
"""Neighbours whose depths differ by more belong to different surfaces, and are not mixed when a map is enlarged."""


def read_depth(
    source: object,
    size: tuple[int, int],
    *,
    kind: DepthKind = "auto",
    unit_m: float | None = None,
    limits: Limits = DEFAULT_LIMITS,
) -> DepthMap:
    """A depth map for a photo of `size` (width, height), from .npy, .npz, PNG, TIFF, PFM, or an array.

    `kind` says what the numbers mean. "auto" takes 8-bit pictures for "relative", as depth networks draw them (near is
    bright), and all else for "depth". "disparity" is inverted. `unit_m` is the length of 1 in metres and makes the map
    metric; 16-bit depths are millimetres unless it is given. NaN, zero, negative and infinite values are unknown; in
    a relative map zero is the farthest point. A map of other resolution, but the same proportions, is resampled without
    mixing surfaces.

    Raises `InputError` as `read_photo`, and with code ``size-mismatch``, ``depth-empty``, ``depth-colored``,
    ``bad-shape``, ``bad-samples``, ``depth-unit`` or ``no-depth-array``.
    """
    # Any bit pattern may stand in a file: NaN that signals, numbers beyond float32. They become unknown below.
    with np.errstate(invalid="ignore", over="ignore", under="ignore"):
        return _read_depth(source, size, kind, unit_m, limits)


def _read_depth(
    source: object, size: tuple[int, int], kind: DepthKind, unit_m: float | None, limits: Limits
) -> DepthMap:
    name, values = _values(source, limits)
    kind = kind if kind != "auto" else "relative" if values.dtype == np.uint8 else "depth"
    if unit_m is not None and (kind != "depth" or not 0 < unit_m < float("inf")):
        raise InputError(
            f"A unit of {unit_m:g} m does not go with the {kind} map “{name}”.",
            code="depth-unit",
            hint="Give a positive unit, and only for maps of kind depth.",
        )
    if unit_m is None and kind == "depth" and np.issubdtype(values.dtype, np.integer) and values.dtype != np.uint8:
        unit_m = _MILLIMETRE_M
    depth = (_as_depth(values, kind, name) * (unit_m or 1.0)).astype(np.float32)
    depth[~(np.isfinite(depth) & (depth > 0))] = np.nan
    resampled = _resampled(depth, size, name)
    _refuse_empty(resampled, name)
    return DepthMap(resampled, Scale.UP_TO_SCALE if unit_m is None else Scale.METRIC)


def _values(source: object, limits: Limits) -> tuple[str, np.ndarray]:
    """Name and numbers (h, w) of whatever was given."""
    given = take(source, None, limits)
    if isinstance(given.content, np.ndarray):
        values = given.content
    elif isinstance(given.content, Image.Image):
        values = samples_of_image(given.content, given.name)
    elif is_numpy(given.content):
        values = read_numpy(given.content, given.name, limits)
    elif is_pfm(given.content):
        values = read_pfm(given.content, given.name, limits)
    else:
        opened = open_picture(given.content, given.name, limits)
        values = opened.samples if isinstance(opened, DeepPicture) else samples_of_image(opened, given.name)
    values = _one_channel(values, given.name)
    check_size(values.shape[1], values.shape[0], given.name, limits)
    return given.name, values


def _one_channel(values: np.ndarray, name: str) -> np.ndarray:
    """(h, w) from (h, w), (1, h, w), (h, w, 1), or a picture whose red, green and blue agree."""
    if values.ndim == 3 and values.shape[2] in (2, 3, 4):
        colors = values[..., :3] if values.shape[2] > 2 else values[..., :1]
        if not (colors == colors[..., :1]).all():
            raise InputError(
                f"“{name}” is a coloured picture of depth; the numbers can't be told from its colours.",
                code="depth-colored",
                hint="Save the depth itself: grey, as 16-bit PNG, TIFF or .npy.",
            )
        return colors[..., 0]
    squeezed = values.reshape([side for side in values.shape if side != 1])
    if squeezed.ndim != 2 or squeezed.size == 0:
        raise InputError(
            f"The depth map “{name}” has the shape {values.shape}, expected (height, width).",
            code="bad-shape",
            hint="Save one number for each pixel.",
        )
    if squeezed.dtype.kind not in "fui":
        raise InputError(
            f"The depth map “{name}” has values of type {values.dtype}, expected numbers.",
            code="bad-samples",
            hint="Save it as float32, or as 16-bit millimetres.",
        )
    return squeezed


def _as_depth(values: np.ndarray, kind: DepthKind, name: str) -> Float64[np.ndarray, "h w"]:
    """Depth in the file's unit, NaN where unknown."""
    numbers = values.astype(np.float64)
    numbers[~np.isfinite(numbers)] = np.nan
    if kind == "relative":
        _refuse_empty(numbers, name)
        low, high = np.nanmin(numbers), np.nanmax(numbers)
        if low == high:
            raise _empty(name, f"is the same everywhere ({low:g})")
        nearness = (numbers - low) / (high - low)
        return 1.0 / (1.0 / _FAR_OVER_NEAR + (1.0 - 1.0 / _FAR_OVER_NEAR) * nearness)
    numbers[~(numbers > 0)] = np.nan
    _refuse_empty(numbers, name)
    if kind == "disparity":
        numbers = np.nanmax(numbers) / numbers  # the nearest point at 1
    return np.asarray(numbers)


def _resampled(depth: Float32[np.ndarray, "h w"], size: tuple[int, int], name: str) -> Float32[np.ndarray, "h2 w2"]:
    """The map at another size of the same proportions: linear on a surface, nearest at its edges and beside holes."""
    height, width = depth.shape
    if (width, height) == size:
        return depth
    if abs(width / height * size[1] / size[0] - 1) > _ASPECT_TOLERANCE:
        raise InputError(
            f"The depth map “{name}” is {width}x{height}, the photo {size[0]}x{size[1]}: other proportions.",
            code="size-mismatch",
            hint="Give the depth map of the whole photo, turned the same way.",
        )
    nearest = cv2.resize(depth, size, interpolation=cv2.INTER_NEAREST_EXACT)
    linear = cv2.resize(depth, size, interpolation=cv2.INTER_LINEAR)
    around = np.ones((3, 3), np.uint8)
    farthest = cv2.dilate(np.where(np.isnan(depth), np.float32(np.inf), depth), around)
    closest = cv2.erode(np.where(np.isnan(depth), np.float32(0), depth), around)
    smooth = (farthest <= _EDGE_RATIO * closest).astype(np.uint8)
    on_surface = cv2.resize(smooth, size, interpolation=cv2.INTER_NEAREST_EXACT) > 0
    return np.where(on_surface, linear, nearest).astype(np.float32)


def _refuse_empty(depth: np.ndarray, name: str) -> None:
    if np.isnan(depth).all():
        raise _empty(name, "has no known value: all are NaN, zero, negative or infinite")


def _empty(name: str, what: str) -> InputError:
    return InputError(
        f"The depth map “{name}” {what}.",
        code="depth-empty",
        hint="Give a depth map with positive numbers; NaN or 0 where it is unknown.",
    )
