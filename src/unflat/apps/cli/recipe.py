"""`unflat recipe`: list the recipes, or show one with every option and its help."""

from __future__ import annotations

import argparse
from collections.abc import Sequence


def run(arguments: Sequence[str]) -> int:
    """Print the list, or the resolved form of one recipe (valid TOML: save it, change it, give it to --recipe)."""
    from unflat.pipeline.plan import plan
    from unflat.pipeline.provenance import resolved_toml
    from unflat.pipeline.recipe import load_recipe, recipe_names

    parser = argparse.ArgumentParser(prog="unflat recipe", description="List the recipes, or show one.")
    parser.add_argument("action", nargs="?", choices=("list", "show"), default="list")
    parser.add_argument("name", nargs="?", default="photo")
    options = parser.parse_args(arguments)
    if options.action == "show":
        recipe = load_recipe(options.name)
        print(resolved_toml(plan(recipe, recipe.takes)), end="")
        return 0
    for name in recipe_names():
        print(f"{name:<15} {load_recipe(name).description}")
    return 0
