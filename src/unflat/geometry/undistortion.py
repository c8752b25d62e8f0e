"""A photo as a pinhole camera of a chosen size would have taken it."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np

from unflat.core import Camera, Mask, View

_BLUR = 0.35
"""Blur before a picture is made smaller, in pixels of the smaller one, against aliasing."""


def undistorted(view: View, side_px: int) -> View:
    """The view without lens distortion, its longest side at most `side_px`; the mask comes along, depth does not.

    Principal point and focal length stay. Pixels beyond the photo repeat its border.
    """
    camera = view.camera
    assert camera is not None
    scale = min(side_px / max(camera.width_px, camera.height_px), 1.0)
    width, height = max(round(camera.width_px * scale), 1), max(round(camera.height_px * scale), 1)
    smaller = camera.resized(width, height)
    focal = (smaller.fx + smaller.fy) / 2
    pinhole = Camera(width, height, focal, focal, smaller.cx, smaller.cy, camera.world_from_camera)
    from_matrix = np.array([[camera.fx, 0, camera.cx - 0.5], [0, camera.fy, camera.cy - 0.5], [0, 0, 1]])
    to_matrix = np.array([[focal, 0, pinhole.cx - 0.5], [0, focal, pinhole.cy - 0.5], [0, 0, 1]])
    places = cv2.initUndistortRectifyMap(
        from_matrix, np.array(camera.distortion), None, to_matrix, (width, height), cv2.CV_32FC1
    )
    pixels = np.ascontiguousarray(view.photo.pixels)
    if scale < 1:
        pixels = cv2.GaussianBlur(pixels, (0, 0), _BLUR / scale)
    picture = cv2.remap(pixels, *places, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    mask = None
    if view.mask is not None:
        alpha = cv2.remap(view.mask.alpha, *places, cv2.INTER_LINEAR)
        mask = Mask(alpha, view.mask.made_by, view.mask.confidence) if (alpha > 0.5).any() else None
    photo = replace(view.photo, pixels=picture, alpha=None, focal_px=focal)
    return View(photo, mask, pinhole)
