"""Shape annotations are executed in the tests: a wrong shape or dtype fails at the call."""

import numpy as np
import pytest
from jaxtyping import TypeCheckError

from unflat.core import Mesh
from unflat.core.color import luminance


def test_a_wrong_shape_is_refused_by_the_checker():
    with pytest.raises(TypeCheckError):
        Mesh(np.zeros((4, 2), np.float32), np.zeros((1, 3), np.int32))


def test_a_wrong_dtype_is_refused_by_the_checker():
    with pytest.raises(TypeCheckError):
        luminance(np.zeros((4, 3), np.float64))
