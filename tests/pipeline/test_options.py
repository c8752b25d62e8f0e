"""Options of a backend: read from its fields, converted from texts, refused with the near name."""

from dataclasses import dataclass
from typing import Literal

import pytest

from unflat.core import RecipeError
from unflat.stages.catalog import all_cards
from unflat.stages.options import build, describe_type, options_of


@dataclass(frozen=True)
class Example:
    """A backend."""

    size_px: int = 2048
    """Side of the texture."""
    share: float = 0.5
    fill: Literal["symmetry", "none"] = "symmetry"
    box: tuple[int, int, int, int] | None = None
    clicks: tuple[int, ...] = ()
    on: bool = True


def test_the_line_under_a_field_is_its_help():
    assert options_of(Example)[0].help == "Side of the texture."


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("size_px", "1024", 1024),
        ("share", "0.25", 0.25),
        ("fill", "none", "none"),
        ("box", "1,2,3,4", (1, 2, 3, 4)),
        ("box", "none", None),
        ("clicks", "5,6", (5, 6)),
        ("on", "false", False),
    ],
)
def test_texts_from_the_command_line_become_values(name, text, value):
    assert getattr(build(Example, {name: text}, where="texture"), name) == value


@pytest.mark.parametrize(
    ("name", "text"),
    [("size_px", "many"), ("size_px", 1.5), ("size_px", True), ("fill", "symetry"), ("box", "1,2"), ("on", "perhaps")],
)
def test_wrong_values_are_refused_with_what_is_expected(name, text):
    with pytest.raises(RecipeError) as caught:
        build(Example, {name: text}, where="texture")
    assert caught.value.code == "bad-option"
    assert f"texture.{name}" in caught.value.message


def test_a_typo_in_an_option_suggests_the_near_name():
    with pytest.raises(RecipeError) as caught:
        build(Example, {"size": 5}, where="texture")
    assert "size_px" in caught.value.hint


def test_types_are_told_in_words():
    assert describe_type(Example.__annotations__["size_px"]) == "whole number"
    assert describe_type(Literal["a", "b"]) == "one of a, b"


@pytest.mark.parametrize("card", [c for c in all_cards() if not c.missing], ids=lambda c: f"{c.stage}/{c.name}")
def test_every_backend_describes_all_its_options_and_builds_from_nothing(card):
    backend = card.load()
    build(backend, {}, where=card.name)
    for option in options_of(backend):
        assert option.help, f"{card.name}.{option.name} has no line of help"
        assert "class" not in describe_type(option.annotation)
