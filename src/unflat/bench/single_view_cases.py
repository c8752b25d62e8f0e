"""The cases of the single-photo benchmark: objects, fixed viewpoints, photographs, and the truth to compare with."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float64

from unflat.core import Camera, Part, View
from unflat.geometry.closest import NearestSurface
from unflat.geometry.meshes import transformed
from unflat.geometry.outer_surface import OuterPoints, outer_points, seen_from
from unflat.geometry.similarities import rotation_deg, scaling, shift, turning
from unflat.render.cameras import orbit_camera
from unflat.render.frame import Frame, render_frame
from unflat.render.scene import Scene, build_scene
from unflat.synth.capture import photograph
from unflat.synth.objects import ObjectEntry, ObjectLibrary, open_library

POINTS = 10_000
"""Per surface, as the published tables have it."""
VIEWS = 4
PHOTO_PX = 512
NOVEL_PX = 192
_NOVEL_SIDES = ((0.0, 10.0), (60.0, 40.0), (120.0, 10.0), (180.0, 40.0), (240.0, 10.0), (300.0, 40.0))
"""Azimuth and elevation in degrees of the pictures by which looks are compared."""
_NOVEL_FOV_DEG = 30.0
_MARGIN = 1.25
"""The frame is so much wider than the object that a rolled camera still holds it whole."""
_TRUTH_SEED = 1
"""Truth and guess are never sampled alike."""
_SPACING = 0.02
"""Half extents between the samples by which the nearest face of the truth is found."""
_SLACK = 0.01
"""Half extents within which a point counts as the one that the camera sees."""


@dataclass(frozen=True)
class Viewpoint:
    """Where a photo is taken from; azimuth 0 is the object's front, 90 its +X side."""

    azimuth_deg: float
    elevation_deg: float
    fov_deg: float
    roll_deg: float


def viewpoint(object_index: int, view_index: int) -> Viewpoint:
    """The fixed viewpoint: four sides a quarter turn apart, the rest spread by multiples of irrational numbers.

    Elevation -5 to 45 degrees, field of view 20 to 60, roll -8 to 8.
    """
    number = VIEWS * object_index + view_index

    def spread(irrational: float, low: float, high: float) -> float:
        return round(low + (high - low) * (number * irrational % 1.0), 2)

    side = 90.0 * view_index + 90.0 * (object_index * 0.6180339887 % 1.0)
    return Viewpoint(
        round(side, 2),
        spread(0.8191725134, -5.0, 45.0),
        spread(0.6710436067, 20.0, 60.0),
        spread(0.5497004779, -8.0, 8.0),
    )


class Truth:
    """An object of the benchmark, centred on its box, half its longest side as unit: all distances are in half extents.

    What is compared is made when it is first asked for.
    """

    def __init__(self, index: int, entry: ObjectEntry, part: Part) -> None:
        self.index, self.entry = index, entry
        low, high = part.mesh.vertices.min(axis=0).astype(np.float64), part.mesh.vertices.max(axis=0)
        unit = scaling(2 / max(float((high - low).max()), 1e-9)) @ shift(-(low + high) / 2)
        self.part = replace(part, mesh=transformed(part.mesh, unit))
        self.scene: Scene = build_scene((self.part,))

    @cached_property
    def outer(self) -> OuterPoints:
        """Points of its outer surface."""
        return outer_points(self.part.mesh, POINTS, _TRUTH_SEED)

    @cached_property
    def surface(self) -> NearestSurface:
        """Its surface, for exact distances."""
        return NearestSurface(self.part.mesh, _SPACING)

    @cached_property
    def novel_cameras(self) -> tuple[Camera, ...]:
        """The cameras of the pictures by which looks are compared."""
        return tuple(
            orbit_camera(self.scene.points, azimuth, elevation, fov_deg=_NOVEL_FOV_DEG, size_px=NOVEL_PX)
            for azimuth, elevation in _NOVEL_SIDES
        )

    @cached_property
    def novel_views(self) -> tuple[Frame, ...]:
        """Its pictures from there, in studio light, on white."""
        return tuple(render_frame(self.scene, camera) for camera in self.novel_cameras)


@dataclass(frozen=True, eq=False)
class Case:
    """One photo of one object."""

    truth: Truth
    view_index: int
    viewpoint: Viewpoint
    camera: Camera
    """The true one, which no method is told."""
    view: View
    """Photo and true mask; focal length and camera unknown."""

    @property
    def key(self) -> tuple[str, int]:
        """What names it in the rows."""
        return self.truth.entry.id, self.view_index

    @cached_property
    def visible(self) -> Bool[np.ndarray, "n"]:
        """Which points of the truth's outer surface the camera sees."""
        return seen_from(self.truth.scene.caster, self.truth.outer.points, self.camera.center, _SLACK)


def bench_entries(library: ObjectLibrary) -> tuple[ObjectEntry, ...]:
    """The objects set aside for measuring; all where none is."""
    chosen = tuple(entry for entry in library.entries if entry.split == "bench")
    return chosen or library.entries


def truths(folder: Path, limit: int | None = None) -> Iterator[Truth]:
    """The objects, one at a time; `limit` takes that many, spread over the list, with the numbers they have in it."""
    library = open_library(folder)
    entries = bench_entries(library)
    count = min(limit or len(entries), len(entries))
    for number in range(count):
        index = number * len(entries) // count
        yield Truth(index, entries[index], library.part(entries[index]))


def case_of(truth: Truth, view_index: int) -> Case:
    """The photograph: studio light, white ground, true antialiased alpha as mask."""
    point = viewpoint(truth.index, view_index)
    camera = rolled(
        orbit_camera(
            truth.scene.points,
            point.azimuth_deg,
            point.elevation_deg,
            fov_deg=point.fov_deg,
            size_px=PHOTO_PX,
            margin=_MARGIN,
        ),
        point.roll_deg,
    )
    view = photograph(truth.scene, camera, name=f"{truth.entry.id}_{view_index}")
    known = View(replace(view.photo, focal_px=None), view.mask)
    return Case(truth, view_index, point, camera, known)


def rolled(camera: Camera, roll_deg: float) -> Camera:
    """The camera turned clockwise about its own axis."""
    return replace(camera, world_from_camera=camera.world_from_camera @ turning(rotation_deg(0, 0, roll_deg)))


def view_rotation(camera: Camera) -> Float64[np.ndarray, "3 3"]:
    """Rotation part of `world_from_camera`."""
    return np.ascontiguousarray(camera.world_from_camera[:3, :3])
