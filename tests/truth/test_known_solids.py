"""Known solids, photographed and rebuilt, lie where they were."""

import pytest

from unflat.bench.truth import measure_truth

# F-score at 5 % of the half extent. One outline can't know that a box has corners or a mug an inside, so `photo` is
# judged on round things only; `unflat bench truth` prints all of them.
EXPECTED = [
    ("sphere", "photo", 0.80),
    ("cone", "hull", 0.93),
    ("box", "hull", 0.93),
    ("torus", "hull", 0.80),
    ("sphere", "hull", 0.97),
    ("chair", "hull", 0.85),
    ("sphere", "relief", 0.55),
    ("box", "relief", 0.45),
]


@pytest.mark.parametrize(("solid", "recipe", "least"), EXPECTED)
def test_a_known_solid_is_rebuilt_where_it_was(solid, recipe, least):
    row = measure_truth(solid, recipe)
    assert row.watertight
    assert row.f_score_005 > least
    assert 0.3 < row.volume_ratio < 1.6
