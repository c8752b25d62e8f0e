"""Lengths as people write them."""

import pytest

from unflat.core import RecipeError
from unflat.geometry.lengths import parse_length_m


@pytest.mark.parametrize(
    ("text", "metres"),
    [
        ("12cm", 0.12),
        ("4 in", 0.1016),
        ("0.3m", 0.3),
        ("1,5 m", 1.5),
        (" 300 MM ", 0.3),
        ('6"', 0.1524),
        ("5 ft 3 in", 1.6002),
        ("5'3\"", 1.6002),
        ("2 inches", 0.0508),
        ("3 feet", 0.9144),
        ("2 metres", 2.0),
        (".5 yd", 0.4572),
        ("50 µm", 5e-5),
    ],
)
def test_usual_ways_to_write_a_length_are_read(text, metres):
    assert parse_length_m(text) == pytest.approx(metres, rel=1e-12)


@pytest.mark.parametrize(
    "text", ["", "12", "cm", "-4cm", "0 m", "twelve cm", "12 parsec", "1e3 m", "4 cm x", "nan m", "9" * 400 + "m"]
)
def test_anything_else_is_refused_with_an_example(text):
    with pytest.raises(RecipeError) as caught:
        parse_length_m(text)
    assert caught.value.code == "bad-length"
    assert "12cm" in caught.value.hint
