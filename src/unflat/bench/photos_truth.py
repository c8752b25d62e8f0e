"""What a photo set is judged by: the true mesh, the true cameras, the photos that were left out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float64, Int32

from unflat.core import Asset, Camera, Mask, Part, Photo, View
from unflat.geometry.cameras import directions_to_camera, project
from unflat.geometry.closest import NearestSurface
from unflat.geometry.outer_surface import OuterPoints, outer_points, seen_from
from unflat.geometry.raycast import RayCaster
from unflat.synth.photo_sets import PhotoSet

POINTS = 30_000
"""On truth and guess alike."""
SPACING = 0.006
"""Longest sides between the samples by which the nearest face is found."""
FLOOR = 0.015
"""Nothing lower than this share of the longest side above the table is judged: where a thing ends and a table begins
can't be seen, and what stands on a table is not seen from below."""
LEAST_VIEWS = 2
"""A place is asked for if so many photos see it: one alone tells no depth."""
_GRAZING_COSINE = float(np.cos(np.radians(80)))
"""Surface that a photo sees at a flatter angle than 80 degrees counts as not seen by it."""
_SLACK = 2e-3
"""Longest sides within which a point counts as the one that the camera sees."""
_SEED = 1


@dataclass(frozen=True, eq=False)
class Outcome:
    """What a method made of a photo set."""

    asset: Asset
    cameras: Mapping[str, Camera]
    """Its cameras in the asset's frame, by the photo's file name; empty where it gives none."""
    seconds: Mapping[str, float]
    """Per stage."""
    total_s: float
    cpu_s: float
    """Processor seconds of all threads."""


@dataclass(frozen=True, eq=False)
class PhotosTruth:
    """One set's truth. The frame is the true mesh's: +Y up, the table at y = 0; lengths in its unit."""

    name: str
    part: Part
    cameras: Mapping[str, Camera]
    """By the photo's file name."""
    left_out: tuple[View, ...] = ()
    """Photos with true camera and mask that no method is given."""

    @cached_property
    def longest_side(self) -> float:
        """Of the object's bounding box: what errors are shares of."""
        return float(self.part.mesh.extent.max())

    @cached_property
    def middle(self) -> Float64[np.ndarray, "3"]:
        """Of the object's bounding box."""
        vertices = self.part.mesh.vertices.astype(np.float64)
        return np.asarray((vertices.min(axis=0) + vertices.max(axis=0)) / 2)

    @cached_property
    def surface(self) -> NearestSurface:
        """The true surface, all of it."""
        return NearestSurface(self.part.mesh, SPACING * self.longest_side)

    @cached_property
    def asked(self) -> Float64[np.ndarray, "n 3"]:
        """Points spread evenly over the true surface that photos show and a reconstruction has to have.

        Outer surface, seen by at least two photos (inside the frame, nothing before it, at less than 80 degrees), and
        not lower than `FLOOR` above the table. May be empty.
        """
        outer = outer_points(self.part.mesh, POINTS, _SEED)
        wanted = (self.views_of(outer) >= LEAST_VIEWS) & self.above_floor(outer.points.astype(np.float64))
        return outer.points[wanted].astype(np.float64)

    def above_floor(self, points: Float64[np.ndarray, "n 3"]) -> Bool[np.ndarray, "n"]:
        """Which points are high enough over the table to be judged."""
        bottom = float(self.part.mesh.vertices[:, 1].min())
        return np.asarray(points[:, 1] > bottom + FLOOR * self.longest_side)

    def views_of(self, outer: OuterPoints) -> Int32[np.ndarray, "n"]:
        """How many photos see each point."""
        caster, points = RayCaster(self.part.mesh), outer.points.astype(np.float64)
        counts = np.zeros(len(points), np.int32)
        for camera in self.cameras.values():
            pixels, _ = project(camera, points)
            with np.errstate(invalid="ignore"):
                framed = ((pixels >= 0) & (pixels <= [camera.width_px, camera.height_px])).all(axis=1)
            facing = np.einsum("ni,ni->n", outer.normals, directions_to_camera(camera, points)) > _GRAZING_COSINE
            chosen = np.flatnonzero(framed & facing)
            seen = seen_from(caster, outer.points[chosen], camera.center, _SLACK * self.longest_side)
            counts[chosen[seen]] += 1
        return counts


def truth_of(taken: PhotoSet) -> PhotosTruth:
    """The truth of a rendered set, its left-out photos rendered."""
    cameras = {taken.photo_name(index): camera for index, camera in enumerate(taken.cameras)}
    views = []
    for index in range(len(taken.left_out)):
        photo = taken.left_out_photo(index)
        views.append(View(Photo(photo.pixels, name=photo.name), Mask(photo.alpha, "synth"), photo.camera))
    return PhotosTruth(taken.name, taken.truth, cameras, tuple(views))


def of_file_names(cameras: Mapping[str, Camera]) -> dict[str, Camera]:
    """The same under file names alone, without folders."""
    return {Path(name).name: camera for name, camera in cameras.items()}
