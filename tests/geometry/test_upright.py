"""Standing things upright."""

import numpy as np
import pytest

from unflat.geometry.upright import upright_rotation


def unit(*direction):
    return np.array(direction, np.float64) / np.linalg.norm(direction)


@pytest.mark.parametrize(
    "up", [unit(0, 1, 0), unit(0, 1, 0.5), unit(0.3, 1, -0.4), unit(1, 0.1, 0), unit(0, 0, 1), unit(0.1, 0, -1)],
    ids=["level", "from above", "aslant", "lying", "from straight above", "from straight below"],
)  # fmt: skip
def test_up_becomes_up_by_a_turn(up):
    turn = upright_rotation(up)
    assert np.allclose(turn @ up, [0, 1, 0])
    assert np.allclose(turn @ turn.T, np.eye(3))
    assert np.linalg.det(turn) == pytest.approx(1)


def test_the_side_towards_the_viewer_stays_in_front():
    turned = upright_rotation(unit(0.3, 1, 0.5)) @ [0, 0, 1]
    assert turned[0] == pytest.approx(0, abs=1e-12)
    assert turned[2] > 0


def test_what_is_upright_already_is_not_turned():
    assert np.allclose(upright_rotation(unit(0, 1, 0)), np.eye(3))
