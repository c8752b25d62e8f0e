"""`/v1/recipes`, `/v1/backends`, `/v1/targets` …: what this server can do."""

from __future__ import annotations

import sys
from dataclasses import asdict
from functools import lru_cache
from importlib import resources
from typing import Any

from fastapi import APIRouter

from unflat import __version__
from unflat.apps.jobs.order import MAX_PICTURES, Order
from unflat.apps.server.callers import Parts, Reader
from unflat.core.errors import RecipeError

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROUTER = APIRouter(prefix="/v1", tags=["facts"])


@lru_cache(maxsize=1)
def recipes() -> dict[str, dict[str, Any]]:
    """The recipes inside the package by name, read as TOML: loading them as recipes would load the engine."""
    folder = resources.files("unflat.pipeline") / "recipes"
    found = {}
    for entry in sorted(folder.iterdir(), key=lambda entry: entry.name):
        if entry.name.endswith(".toml"):
            found[entry.name.removesuffix(".toml")] = tomllib.loads(entry.read_text("utf-8"))
    return found


def refuse_unknown_names(order: Order) -> None:
    """Raise `RecipeError` for a recipe that is not in the package: a file of the server can't be named."""
    if order.recipe is not None and order.recipe not in recipes():
        raise RecipeError(
            f"There is no recipe “{order.recipe}”.", code="unknown-recipe", hint=f"Known: {', '.join(recipes())}."
        )


@ROUTER.get("/recipes")
def list_recipes(caller: Reader) -> dict[str, list[dict[str, Any]]]:
    """The recipes: how models are made."""
    return {
        "recipes": [
            {"name": name, "description": table.get("description", ""), "takes": table.get("takes"),
             "extends": table.get("extends")}
            for name, table in recipes().items()
        ]
    }  # fmt: skip


@ROUTER.get("/backends")
def list_backends(caller: Reader) -> dict[str, list[dict[str, Any]]]:
    """What can be put into a recipe, with licence and needs."""
    from unflat.stages.catalog import all_cards

    told = ("stage", "name", "summary", "licence", "weights_licence", "extra")
    cards = [{**asdict(card), "missing": card.missing} for card in all_cards()]
    return {"backends": [{name: card.get(name) for name in (*told, "missing")} for card in cards]}


@ROUTER.get("/targets")
def list_targets(caller: Reader) -> dict[str, list[dict[str, Any]]]:
    """What models can be made for, and what each use asks."""
    from unflat.stages.check.targets import TARGETS

    return {"targets": [asdict(target) | {"settings": dict(target.settings)} for target in TARGETS]}


@ROUTER.get("/formats")
def list_formats(caller: Reader) -> dict[str, list[str]]:
    """Formats that are written, and those that are read."""
    from unflat.io.load import READABLE
    from unflat.io.write import FORMATS

    return {"write": list(FORMATS), "read_models": list(READABLE)}


@ROUTER.get("/limits")
def list_limits(shared: Parts, caller: Reader) -> dict[str, float | int]:
    """What is taken at most."""
    settings = shared.settings
    return {
        "max_upload_bytes": settings.jobs.max_upload_bytes,
        "max_request_bytes": settings.max_request_bytes,
        "max_pixels": settings.jobs.max_pixels,
        "max_pictures": MAX_PICTURES,
        "max_jobs": caller.max_jobs,
        "max_kept_bytes": caller.max_bytes,
        "job_seconds": settings.jobs.time_s,
        "job_memory_mb": settings.jobs.memory_mb,
        "keep_days": settings.jobs.keep_s / 86400,
        "requests_per_s": settings.rate_per_s,
    }


@ROUTER.get("/version")
def version() -> dict[str, str]:
    """The version of unflat, and of this API."""
    return {"unflat": __version__, "api": "v1"}
