"""The curve of a training."""

from pathlib import Path

import pytest

from unflat.core import InputError
from unflat.train.curve import training_curve


def log_of(folder: Path, steps: list[int]) -> Path:
    rows = [f"{step},{step / 100},{1 / step}" for step in steps]
    path = folder / "log.csv"
    path.write_text("\n".join(["step,hours,loss", *rows]), encoding="utf-8")
    return path


def test_a_stretch_that_was_trained_twice_is_drawn_once(tmp_path: Path) -> None:
    drawn = training_curve(log_of(tmp_path, [50, 100, 150, 100, 150, 200]), "loss")
    assert drawn.count("<circle") == 4
    assert "200 steps" in drawn


def test_a_column_that_is_not_there_is_answered_with_those_that_are(tmp_path: Path) -> None:
    with pytest.raises(InputError) as caught:
        training_curve(log_of(tmp_path, [50]), "lose")
    assert "loss" in caught.value.hint
    with pytest.raises(InputError) as caught:
        training_curve(tmp_path / "none.csv", "loss")
    assert caught.value.code == "no-log"
