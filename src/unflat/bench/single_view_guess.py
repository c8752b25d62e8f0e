"""What is measured: a guess at the whole object, and who makes it."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from unflat.bench.single_view_cases import VIEWS, Case, case_of
from unflat.core import Camera, Context, Part, RecipeError, Reconstruction, View, Views
from unflat.core.material import Material
from unflat.pipeline.plan import Plan, plan
from unflat.pipeline.recipe import load_recipe

_STEPS = "largest-part,watertight,decimate"
"""No placing: it moves nothing that the alignment would not move back, and no smoothing."""
_TEXTURE = {"texture.size_px": 512, "texture.normal_map": False, "texture.occlusion": False}
"""Enough for pictures of 192 pixels."""


@dataclass(frozen=True, eq=False)
class Guess:
    """A guess at an object, in a world of its own: any place, size and turn."""

    part: Part
    camera: Camera
    """The photo's camera in that world, as the method claims it: the first rotation that the alignment tries."""
    framed: bool = True
    """Whether the camera also frames the part as the photo does; else only its direction means something."""
    shape_s: float | None = None
    """Seconds from photo and mask to the mesh; None: all the time that the method took."""
    shape_cpu_s: float | None = None
    """The same in processor seconds of all threads: does not mind what else the machine does."""
    texture_s: float = 0.0


Method = Callable[[Case], Guess]
"""Makes a guess from the photo and its mask. Raises `UnflatError`, which counts as a failure."""


@dataclass(frozen=True)
class PipelineMethod:
    """A reconstructor of the pipeline in the recipe for photos: any backend's name, a plug-in's too."""

    backend: str
    settings: tuple[tuple[str, str], ...] = ()
    """Options of the backend."""
    pictures: bool = True
    """Whether it is textured."""

    @staticmethod
    def of(text: str, *, pictures: bool = True) -> PipelineMethod:
        """From ``backend`` or ``backend:option=value,option=value``. Raises `RecipeError` (``bad-method``)."""
        backend, _, options = text.partition(":")
        pairs = [part.partition("=") for part in options.split(",") if part]
        if not all(name and equals for name, equals, _ in pairs):
            raise RecipeError(
                f"“{text}” is no method.", code="bad-method", hint="Write BACKEND or BACKEND:OPTION=VALUE,OPTION=VALUE."
            )
        return PipelineMethod(backend, tuple((name, value) for name, _, value in pairs), pictures)

    @property
    def text(self) -> str:
        """What `of` reads."""
        options = ",".join(f"{name}={value}" for name, value in self.settings)
        return f"{self.backend}:{options}" if options else self.backend

    def __call__(self, case: Case) -> Guess:
        """The guess at a case."""
        return self.guess(case.view)

    def guess(self, view: View) -> Guess:
        """Reconstruct, surface, finish, texture; what the surface and finish stages need is the backend's time, too."""
        settings: dict[str, Any] = {"reconstruct.backend": self.backend}
        settings |= {f"reconstruct.{name}": value for name, value in self.settings}
        return _guess(_planned("photo", "photo", settings), Views((view,)), pictures=self.pictures)


@dataclass(frozen=True)
class SidesMethod:
    """The recipe `sides`: all photos of the object, a quarter turn apart, beginning with the case's own as its front.

    It is told which side each shows, nothing else.
    """

    pictures: bool = True

    def __call__(self, case: Case) -> Guess:
        """The guess at a case."""
        numbers = [(case.view_index + step) % VIEWS for step in range(VIEWS)]
        views = Views(tuple(case.view if n == case.view_index else case_of(case.truth, n).view for n in numbers))
        return _guess(_planned("sides", "photos", {}), views, pictures=self.pictures)


def _planned(recipe: str, kind: str, settings: dict[str, Any]) -> Plan:
    return plan(load_recipe(recipe).with_settings({"finish.steps": _STEPS} | settings | _TEXTURE), kind)


def _guess(planned: Plan, views: Views, *, pictures: bool) -> Guess:
    result: Any = views
    started, seconds = time.perf_counter(), {"shape": 0.0, "texture": 0.0}
    started_cpu, shape_cpu_s = time.process_time(), 0.0
    reconstruction: Reconstruction | None = None
    for step in planned.steps:
        stage = step.step.stage
        if stage == "segment" or (stage == "texture" and not pictures):
            continue
        result = step.backend(result, Context())
        if isinstance(result, Reconstruction):
            reconstruction = result
        now = time.perf_counter()
        seconds["texture" if stage == "texture" else "shape"] += now - started
        started = now
        if stage != "texture":
            shape_cpu_s = time.process_time() - started_cpu
    assert reconstruction is not None, "a plan has a reconstructor"
    camera = reconstruction.views.items[0].camera
    assert camera is not None, "a reconstruction's views have cameras"
    part = result if isinstance(result, Part) else Part(reconstruction.mesh, Material())
    return Guess(part, camera, True, seconds["shape"], shape_cpu_s, seconds["texture"])
