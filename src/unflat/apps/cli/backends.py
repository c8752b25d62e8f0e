"""`unflat backends`: what can be put into a recipe, with licence and needs."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import asdict


def run(arguments: Sequence[str]) -> int:
    """Print a table of backends; imports none of them."""
    from unflat.stages.catalog import all_cards

    parser = argparse.ArgumentParser(prog="unflat backends", description="List the backends.")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args(arguments)
    if options.json:
        print(json.dumps([{**asdict(card), "missing": card.missing} for card in all_cards()], indent=2))
        return 0
    for card in all_cards():
        state = f"needs pip install 'unflat[{card.extra}]'" if card.missing else "ready"
        weights = f", weights {card.weights_licence}" if card.weights_licence else ""
        print(f"{card.stage:<12} {card.name:<15} {state:<7} {card.licence}{weights}: {card.summary}")
    return 0
