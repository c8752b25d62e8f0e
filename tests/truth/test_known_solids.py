"""Known solids, photographed and rebuilt, lie where they were."""

import pytest

from unflat.bench.truth import measure_truth

# F-score at 5 % of the half extent. One outline can't know that a box has corners or a mug an inside, so `inflate` is
# judged on round things only; `unflat bench truth` prints all of them.
EXPECTED = [
    ("sphere", "inflate", 0.75),
    ("sphere", "photo", 0.5),
    ("torus", "hull", 0.95),
    ("chair", "hull", 0.85),
    ("sphere", "relief", 0.45),
    ("box", "relief", 0.35),
]


@pytest.mark.parametrize(("solid", "recipe", "least"), EXPECTED)
def test_a_known_solid_is_rebuilt_where_it_was(solid, recipe, least):
    row = measure_truth(solid, recipe)
    assert row.watertight
    assert row.f_score_005 > least
    if recipe == "relief":
        assert row.seen_error < 0.001, "a relief is exact where the depth map saw it; its back is a guess"
