"""Recipes: one backend per stage and its options, as strict TOML files with one level of `extends`."""

from __future__ import annotations

import difflib
import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from importlib import resources
from pathlib import Path
from typing import Any

from unflat.core.errors import RecipeError

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

STAGES = ("segment", "pose", "reconstruct", "surface", "finish", "texture")
"""The stages of a recipe, in the order in which they run."""

_HEAD_KEYS = ("description", "takes", "extends")


@dataclass(frozen=True)
class Step:
    """One backend and the settings that differ from its defaults."""

    stage: str
    backend: str
    settings: tuple[tuple[str, Any], ...] = ()

    @property
    def key(self) -> str:
        """How settings name it: ``segment`` or ``finish.decimate``."""
        return f"finish.{self.backend}" if self.stage == "finish" else self.stage


@dataclass(frozen=True)
class Recipe:
    """What runs, in order."""

    name: str
    description: str
    takes: str
    """Kind of source: photo, photos, drawing or views."""
    steps: tuple[Step, ...]

    def with_settings(self, settings: Mapping[str, Any]) -> Recipe:
        """The recipe with ``stage.option``, ``stage.backend`` or ``finish.step.option`` set. Later ones win."""
        recipe = self
        for dotted, value in settings.items():
            recipe = recipe._with_setting(dotted, value)
        return recipe

    def with_segmenter(self, backend: str) -> Recipe:
        """The recipe with a segment step before all others; the same where it has one."""
        if any(step.stage == "segment" for step in self.steps):
            return self
        return replace(self, steps=(Step("segment", backend), *self.steps))

    def _with_setting(self, dotted: str, value: Any) -> Recipe:
        key, _, option = dotted.rpartition(".")
        if dotted == "finish.steps":
            names = value.split(",") if isinstance(value, str) else value
            return replace(self, steps=_with_finish_steps(self.steps, [name.strip() for name in names]))
        position = {step.key: index for index, step in enumerate(self.steps)}.get(key)
        if position is None:
            known = [step.key for step in self.steps]
            near = difflib.get_close_matches(key, known, n=1)
            raise RecipeError(
                f"The recipe “{self.name}” has no step “{key or dotted}”.",
                code="unknown-step",
                hint=(f"Did you mean “{near[0]}.{option}”? " if near else "")
                + f"Write STEP.OPTION=VALUE; steps: {', '.join(known)}.",
            )
        step = self.steps[position]
        if option == "backend":
            changed = Step(step.stage, str(value))
        else:
            changed = replace(step, settings=tuple({**dict(step.settings), option: value}.items()))
        return replace(self, steps=(*self.steps[:position], changed, *self.steps[position + 1 :]))


def recipe_names() -> tuple[str, ...]:
    """The recipes inside the package."""
    folder = resources.files("unflat.pipeline") / "recipes"
    return tuple(sorted(Path(entry.name).stem for entry in folder.iterdir() if entry.name.endswith(".toml")))


def load_recipe(name: str) -> Recipe:
    """A recipe by its name, or from a TOML file. Raises `RecipeError`: near name, line, or wrong key."""
    table = _read_table(name)
    parent = table.pop("extends", None)
    if parent is not None:
        base = _read_table(str(parent))
        if "extends" in base:
            raise RecipeError(f"“{name}” extends “{parent}”, which itself extends another.", code="recipe-extends",
                              hint="One level of extends is allowed: extend the base recipe.")  # fmt: skip
        table = _merged(base, table)
    return _recipe_of(table, name)


def _read_table(name: str) -> dict[str, Any]:
    path = Path(name)
    if path.suffix == ".toml":
        if not path.is_file():
            raise RecipeError(f"There is no recipe file “{name}”.", code="unknown-recipe", hint="Check the path.")
        text = path.read_text("utf-8")
    else:
        if name not in recipe_names():
            near = difflib.get_close_matches(name, recipe_names(), n=1)
            raise RecipeError(
                f"There is no recipe “{name}”.",
                code="unknown-recipe",
                hint=(f"Did you mean “{near[0]}”? " if near else "") + f"Known: {', '.join(recipe_names())}.",
            )
        text = (resources.files("unflat.pipeline") / "recipes" / f"{name}.toml").read_text("utf-8")
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise RecipeError(f"The recipe “{name}” is not TOML: {error}.", code="recipe-syntax",
                          hint="Compare it with `unflat recipe show photo`.") from error  # fmt: skip


def _merged(base: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    merged = dict(base)
    for key, value in changes.items():
        if not isinstance(value, dict) or not isinstance(merged.get(key), dict):
            merged[key] = value
        elif value.get("backend", merged[key].get("backend")) != merged[key].get("backend"):
            merged[key] = value  # another backend has other options
        else:
            merged[key] = _merged(merged[key], value)
    return merged


def _recipe_of(table: dict[str, Any], name: str) -> Recipe:
    unknown = set(table) - set(STAGES) - set(_HEAD_KEYS)
    if unknown:
        key = sorted(unknown)[0]
        near = difflib.get_close_matches(key, (*STAGES, *_HEAD_KEYS), n=1)
        raise RecipeError(f"The recipe “{name}” has an unknown key “{key}”.", code="recipe-key",
                          hint=f"Did you mean “{near[0]}”?" if near else f"Known: {', '.join(STAGES)}.")  # fmt: skip
    steps: list[Step] = []
    for stage in STAGES:
        options = dict(table.get(stage, {}))
        if stage == "finish":
            names = options.pop("steps", [])
            stray = set(options) - set(names)
            if stray:
                raise RecipeError(f"The recipe “{name}” sets finish.{sorted(stray)[0]}, which is not among its steps.",
                                  code="recipe-key", hint=f"Steps: {', '.join(names)}.")  # fmt: skip
            steps += [Step("finish", step, tuple(options.get(step, {}).items())) for step in names]
        elif options:
            if "backend" not in options:
                raise RecipeError(f"The recipe “{name}” names no backend for {stage}.", code="recipe-key",
                                  hint=f"Add `backend = …` under [{stage}]; see `unflat backends`.")  # fmt: skip
            steps.append(Step(stage, str(options.pop("backend")), tuple(options.items())))
    return Recipe(Path(name).stem, str(table.get("description", "")), str(table.get("takes", "photo")), tuple(steps))


def _with_finish_steps(steps: tuple[Step, ...], names: list[str]) -> tuple[Step, ...]:
    """The same steps with another list of finish steps; steps that stay keep their settings."""
    kept = {step.backend: step for step in steps if step.stage == "finish"}
    finish = tuple(kept.get(name, Step("finish", name)) for name in names)
    before = tuple(step for step in steps if STAGES.index(step.stage) < STAGES.index("finish"))
    after = tuple(step for step in steps if STAGES.index(step.stage) > STAGES.index("finish"))
    return before + finish + after
