"""A field moved to where assets begin: about the origin, its longest side 1."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from unflat.core import Field, Reconstruction, Scale, Views
from unflat.geometry.cameras import transform_camera


def field_at_origin(field: Field, views: Views) -> Reconstruction:
    """The box of the solid about the origin, its longest side 1, cameras along with it (turned as they are)."""
    inside = np.argwhere(field.distance < 0)
    low, high = field.origin + field.voxel * inside.min(axis=0), field.origin + field.voxel * inside.max(axis=0)
    scale = 1 / max(float((high - low).max()), field.voxel)
    similarity = np.diag([scale, scale, scale, 1.0])
    similarity[:3, 3] = -scale * (low + high) / 2
    moved = Field(field.distance * np.float32(scale), scale * field.origin + similarity[:3, 3], field.voxel * scale)
    items = tuple(
        replace(view, camera=view.camera and transform_camera(view.camera, similarity), depth=None)
        for view in views.items
    )
    return Reconstruction(moved, Views(items), Scale.UP_TO_SCALE)
