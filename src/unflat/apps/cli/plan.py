"""`unflat plan PHOTO`: what would run, and the proof that it can."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from unflat.apps.cli.wishes import add_wishes, request_of

_CALLED = {
    "photo": "a photo",
    "photos": "photos of one thing",
    "drawing": "a drawing",
    "views": "photos with known cameras",
}


def run(arguments: Sequence[str]) -> int:
    """Print the plan. Reads the picture; runs nothing."""
    from unflat.pipeline.request import prepare

    parser = argparse.ArgumentParser(prog="unflat plan", description="Show what would run.")
    add_wishes(parser)
    options = parser.parse_args(arguments)
    options.no_cache = True
    prepared = prepare(request_of(options, options.pictures))
    photo = prepared.intake.photos[0]
    more = f" and {len(prepared.intake.photos) - 1} more" if len(prepared.intake.photos) > 1 else ""
    print(f"{photo.name}{more}: {photo.width}x{photo.height} px, {_CALLED[prepared.intake.kind]}")
    print(f"recipe {prepared.plan.recipe.name}: {prepared.plan.recipe.description}\n")
    for planned in prepared.plan.steps:
        card = planned.card
        print(f"  {planned.step.key:<22} {card.name:<15} about {card.seconds:4.1f} s  {card.summary}")
    print(f"\nabout {prepared.plan.seconds:.0f} s on two cores")
    return 0
