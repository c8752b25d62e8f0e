"""Guesses that look at the photo little or not at all: the mean training shape, and the nearest one (retrieval).

Tatarchenko et al. 2019 ("What Do Single-view 3D Reconstruction Networks Learn?"): networks that beat neither have
learnt to recognise, not to reconstruct.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from jaxtyping import Bool, Float32

from unflat.bench.single_view_bounds import square_camera
from unflat.bench.single_view_cases import Case
from unflat.bench.single_view_guess import Guess
from unflat.bench.training_shapes import (
    MEAN_GRID,
    NORMAL_STEP,
    SIDE,
    SIDES,
    TrainingShapes,
    side_rotation,
)
from unflat.core import Camera, Field, Mesh, Part
from unflat.core.color import linear_from_srgb, srgb_from_linear
from unflat.core.material import Material
from unflat.geometry.isosurface import isosurface
from unflat.render.frame import render_frame
from unflat.synth.objects import ObjectEntry, ObjectLibrary

_ROWS_AT_ONCE = 1 << 15
"""Remembered pictures compared at a time: bounds memory to 80 MB."""
_USUAL_SIDE = SIDES.index((30.0, 20.0))
"""From where the mean shape is first thought to be seen."""


@dataclass(frozen=True, eq=False)
class MeanShape:
    """The mean training shape, whatever the photo shows, in the photo's mean colour."""

    shapes: TrainingShapes

    def __call__(self, case: Case) -> Guess:
        """The level of the mean occupancy that holds the mean volume."""
        filled = self.shapes.mean_filled
        level = float(np.quantile(filled, 1 - self.shapes.mean_volume))
        voxel = 2 / MEAN_GRID
        mesh = isosurface(Field(np.float32(level) - filled, np.full(3, -1 + voxel / 2), voxel))
        assert case.view.mask is not None
        colors = linear_from_srgb(case.view.photo.pixels[case.view.mask.solid]).mean(axis=0)
        painted = np.tile(srgb_from_linear(colors.astype(np.float32)), (len(mesh.vertices), 1))
        part = Part(Mesh(mesh.vertices, mesh.faces, colors=painted), Material())
        return Guess(part, side_camera(_USUAL_SIDE), framed=False)


@dataclass(frozen=True, eq=False)
class Retrieval:
    """The training object that looks most like the photo from one of 36 sides, with its own colours."""

    library: ObjectLibrary
    shapes: TrainingShapes
    normals: bool = False
    """Told the true normals of the surface in the photo (an oracle: more than any method can know); else the outline
    alone decides."""

    def __call__(self, case: Case) -> Guess:
        """The nearest by overlap of the outlines; with normals, each shared pixel counts by how well they agree."""
        outline, normals = _query(case)
        row = int(np.argmax(self._likeness(outline, normals if self.normals else None)))
        entry = self._entry(self.shapes.ids[row // len(SIDES)])
        return Guess(self.library.part(entry), side_camera(row % len(SIDES)), framed=False)

    def _entry(self, name: str) -> ObjectEntry:
        return next(entry for entry in self.library.entries if entry.id == name)

    def _likeness(
        self, outline: Bool[np.ndarray, "s s"], normals: Float32[np.ndarray, "r r 3"] | None
    ) -> Float32[np.ndarray, "n"]:
        own = outline.ravel().astype(np.float32)
        found = []
        for start in range(0, len(self.shapes.outlines), _ROWS_AT_ONCE):
            rows = slice(start, start + _ROWS_AT_ONCE)
            others = np.unpackbits(self.shapes.outlines[rows], axis=1).astype(np.float32)
            shared = others @ own
            union = others.sum(axis=1) + own.sum() - shared
            if normals is not None:
                agreement = self.shapes.normals[rows].reshape(len(others), -1).astype(np.float32) @ normals.ravel()
                shared = agreement / np.float32(127) * NORMAL_STEP**2
            found.append(shared / union)
        return np.concatenate(found)


def side_camera(side: int) -> Camera:
    """A camera that looks from a side; only its direction means something."""
    pose = np.eye(4)
    pose[:3, :3] = side_rotation(side)
    return Camera(SIDE, SIDE, 1.0, 1.0, SIDE / 2, SIDE / 2, pose, projection="orthographic")


def _query(case: Case) -> tuple[Bool[np.ndarray, "s s"], Float32[np.ndarray, "r r 3"]]:
    """Outline and true normals in the square around the object, as training shapes are remembered."""
    mask = case.view.mask
    assert mask is not None
    camera = square_camera(case.camera, mask.box)
    shift = np.array([[1, 0, camera.cx - case.camera.cx], [0, 1, camera.cy - case.camera.cy]])
    square = cv2.warpAffine(mask.alpha, shift, (camera.width_px, camera.height_px))
    outline = cv2.resize(square, (SIDE, SIDE), interpolation=cv2.INTER_AREA) > 0.5
    small = render_frame(case.truth.scene, camera.resized(SIDE, SIDE), shading="albedo", samples_per_px=1)
    normals = np.nan_to_num(small.normals) @ case.camera.world_from_camera[:3, :3].astype(np.float32)
    return outline, np.ascontiguousarray(normals[::NORMAL_STEP, ::NORMAL_STEP])
