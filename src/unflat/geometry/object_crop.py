"""From a photo to the object's own frame and back: the square that a network sees, and the photo's camera in it."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from jaxtyping import Float32, Float64

from unflat.core import Camera, Mask, Photo
from unflat.core.arrays import freeze_fields
from unflat.geometry.object_frame import FILL, object_camera
from unflat.geometry.similarities import rotation_between

_STAIR, _LEAST_STAIR = 0.5, 0.6
"""Blur of the outline in the photo's pixels, and in the square's: without it, a hard mask's pixels become the stairs of
a wall around the object. A line of one pixel survives."""
_AIMING_ROUNDS = 4
"""Turning towards the outline's middle moves the middle a little: each time some hundred times less."""


@dataclass(frozen=True, eq=False)
class ObjectCrop:
    """What a camera sees that looks straight at the object: the photo's camera, turned, its picture cut and resized."""

    image: Float32[np.ndarray, "s s 3"]
    """sRGB 0..1, with the photo's background; beyond the photo's frame its last pixels go on."""
    mask: Float32[np.ndarray, "s s"]
    """0..1; 0 beyond the frame."""
    side_px: float
    """Width of the square in the photo's pixels, at its middle."""
    middle_px: tuple[float, float]
    """The square's middle in the photo."""
    photo_size: tuple[int, int]
    """Width and height."""
    focal_px: float | None
    """Of the photo, where known."""
    tan_half_fov: float | None
    """Tangent of half the angle that the square takes, where the focal length is known."""
    turn: Float64[np.ndarray, "3 3"]
    """Rotation from the turned camera's frame to the photo's; the identity where the focal length is unknown."""

    def __post_init__(self) -> None:
        freeze_fields(self, "image", "mask", "turn")

    def photo_camera(self, tan_half_fov: float) -> Camera:
        """The photo's camera in the object's frame, for the known tangent or a guess of it.

        Where the focal length is unknown, the photo counts as cut from a larger one with the object in the middle.
        """
        pose = object_camera(len(self.mask), tan_half_fov).world_from_camera.copy()
        pose[:3, :3] = pose[:3, :3] @ self.turn.T
        width, height = self.photo_size
        if self.focal_px is None:
            focal, middle = self.side_px / 2 / tan_half_fov, self.middle_px
        else:
            focal, middle = self.focal_px, (width / 2, height / 2)
        return Camera(width, height, focal, focal, *middle, pose)


def cropped_to_object(photo: Photo, mask: Mask, size_px: int) -> ObjectCrop:
    """The square around the mask, `size_px` wide, resampled without aliasing; it may reach beyond the photo.

    With a focal length the camera is turned so that the square's middle is on its axis, by a homography; else the
    square is cut out as it is. Cost: linear in the pixels of the mask's box.
    """
    size, focal = (photo.width, photo.height), photo.focal_px
    left, top, right, bottom = mask.box
    if focal is None:
        middle = ((left + right) / 2, (top + bottom) / 2)
        side = max(right - left, bottom - top) / FILL
        tangent, turn = None, np.eye(3)
        square_to_photo = np.array([[side / 2, 0, middle[0]], [0, side / 2, middle[1]], [0, 0, 1]])
    else:
        to_photo = np.array([[focal, 0, size[0] / 2], [0, focal, size[1] / 2], [0, 0, 1]])
        turn, tangent = _aimed(mask, np.linalg.inv(to_photo))
        square_to_photo = to_photo @ turn @ np.diag([tangent, tangent, 1])
        middle_px = square_to_photo[:, 2] / square_to_photo[2, 2]
        middle, side = (float(middle_px[0]), float(middle_px[1])), 2 * tangent * focal
    sampled = _sampled(photo, mask, square_to_photo, size_px)
    return ObjectCrop(sampled[..., :3], sampled[..., 3], side, middle, size, focal, tangent, turn)


def _aimed(mask: Mask, camera_from_photo: Float64[np.ndarray, "3 3"]) -> tuple[Float64[np.ndarray, "3 3"], float]:
    """The turn (photo's frame from the aimed camera's) and the tangent of half the square's angle."""
    edge = _outline_pixels(mask)
    rays = np.column_stack([edge, np.ones(len(edge))]) @ camera_from_photo.T
    axis = np.array([0.0, 0.0, 1.0])
    turn, tangent = np.eye(3), 1.0
    for _ in range(_AIMING_ROUNDS):
        local = rays @ turn
        across = local[:, :2] / local[:, 2:]
        low, high = across.min(axis=0), across.max(axis=0)
        tangent = float((high - low).max()) / 2 / FILL
        towards = turn @ np.array([*((low + high) / 2), 1.0])
        turn = rotation_between(axis, towards / np.linalg.norm(towards))
    return turn, tangent


def _outline_pixels(mask: Mask) -> Float64[np.ndarray, "n 2"]:
    """Corners of the pixels along the outline's convex hull: enough for every box around it."""
    rows, columns = np.nonzero(mask.solid)
    first, last = (np.full(mask.alpha.shape[0], sign * 10**9) for sign in (1, -1))
    np.minimum.at(first, rows, columns)
    np.maximum.at(last, rows, columns)
    used = np.unique(rows)
    return np.concatenate(
        [np.column_stack([x, used + down]) for x in (first[used], last[used] + 1) for down in (0, 1)]
    ).astype(np.float64)


def _sampled(
    photo: Photo, mask: Mask, square_to_photo: Float64[np.ndarray, "3 3"], size_px: int
) -> Float32[np.ndarray, "s s 4"]:
    """Colour and alpha on the square's grid: first reduced by averaging where the photo is finer, then warped."""
    corners = np.array([[-1, -1, 1], [1, -1, 1], [-1, 1, 1], [1, 1, 1]]) @ square_to_photo.T
    corners = corners[:, :2] / corners[:, 2:]
    # One pixel more all around, for the interpolation.
    low = np.clip(np.floor(corners.min(axis=0)).astype(int) - 1, 0, None)
    high = np.minimum(np.ceil(corners.max(axis=0)).astype(int) + 1, (photo.width, photo.height))
    part = np.s_[low[1] : high[1], low[0] : high[0]]
    layers = np.dstack([photo.pixels[part].astype(np.float32) / np.float32(255), mask.alpha[part]])
    photo_pixels = float((corners.max(axis=0) - corners.min(axis=0)).max()) / size_px
    step = max(1.0, photo_pixels)
    width, height = (max(1, round(length / step)) for length in high - low)
    small = cv2.resize(layers, (width, height), interpolation=cv2.INTER_AREA) if step > 1 else layers
    into_small = np.diag([width / (high[0] - low[0]), height / (high[1] - low[1]), 1.0])
    into_small[:2, 2] = -low * np.diag(into_small)[:2]
    # OpenCV counts pixels from their centres: half a pixel off on both sides.
    half, back = np.eye(3), np.eye(3)
    half[:2, 2], back[:2, 2] = 0.5, -0.5
    unit = np.array([[2 / size_px, 0, -1], [0, 2 / size_px, -1], [0, 0, 1]])
    warp = back @ into_small @ square_to_photo @ unit @ half
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    color = cv2.warpPerspective(small[..., :3], warp, (size_px, size_px), flags=flags, borderMode=cv2.BORDER_REPLICATE)
    alpha = cv2.warpPerspective(small[..., 3], warp, (size_px, size_px), flags=flags, borderMode=cv2.BORDER_CONSTANT)
    alpha = cv2.GaussianBlur(alpha, (0, 0), max(_LEAST_STAIR, _STAIR / photo_pixels))
    return np.dstack([color, np.clip(alpha, 0, 1)]).astype(np.float32)
