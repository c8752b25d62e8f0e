"""Plan: a recipe and a kind of source become ready backends, before any expensive second."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from unflat.core.errors import RecipeError
from unflat.pipeline.recipe import STAGES, Recipe, Step
from unflat.stages.card import Card
from unflat.stages.catalog import find_card
from unflat.stages.options import build


@dataclass(frozen=True, eq=False)
class PlannedStep:
    """A step whose backend is loaded and configured."""

    step: Step
    card: Card
    backend: Any
    """An instance that meets its stage's protocol."""

    @property
    def fingerprint(self) -> str:
        """Everything that decides the step's result, beside its input and the seed."""
        return f"{self.step.stage}:{self.card.name}:{self.card.target}:{self.backend!r}"


@dataclass(frozen=True, eq=False)
class Plan:
    """What will run, in order."""

    recipe: Recipe
    steps: tuple[PlannedStep, ...]

    def of_stage(self, stage: str) -> tuple[PlannedStep, ...]:
        """The steps of one stage."""
        return tuple(planned for planned in self.steps if planned.step.stage == stage)

    @property
    def seconds(self) -> float:
        """A first guess of the whole time on two cores."""
        return sum(planned.card.seconds for planned in self.steps)


def plan(recipe: Recipe, kind: str, *, commercial_only: bool = False) -> Plan:
    """Prove that the recipe's parts exist, are installed, are allowed, take their options and fit the kind of source.

    Stages that an earlier backend makes superfluous are dropped. Raises `RecipeError` or `SetupError`.
    """
    steps: list[PlannedStep] = []
    given: set[str] = set()
    for step in recipe.steps:
        if step.stage in given:
            continue
        card = find_card(step.stage, step.backend)
        _refuse_misfit(card, kind, commercial_only)
        backend = build(card.load(), dict(step.settings), where=step.key)
        steps.append(PlannedStep(step, card, backend))
        given.update(card.gives)
    covered = given | {planned.step.stage for planned in steps}
    for stage in ("reconstruct", "texture"):
        if stage not in covered:
            raise RecipeError(f"The recipe “{recipe.name}” has no {stage} stage.", code="recipe-incomplete",
                              hint=f"A recipe needs {', '.join(STAGES[1:])}.")  # fmt: skip
    return Plan(recipe, tuple(steps))


def _refuse_misfit(card: Card, kind: str, commercial_only: bool) -> None:
    if card.stage == "reconstruct" and kind not in card.takes:
        raise RecipeError(
            f"The reconstructor “{card.name}” takes {' or '.join(card.takes)}, but the source is a {kind}.",
            code="recipe-misfit",
            hint="Choose another --recipe, or say what the picture is with --kind.",
        )
    if commercial_only and not card.commercial:
        raise RecipeError(
            f"“{card.name}” may not be used commercially ({card.weights_licence or card.licence}).",
            code="licence",
            hint="Choose another backend (`unflat backends`), or leave out --commercial.",
        )
