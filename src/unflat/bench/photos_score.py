"""How good a reconstruction from photos is: cameras, shape and looks against a set's truth.

The protocol is written down in `docs/photos-benchmark.md`.
"""

from __future__ import annotations

from unflat.bench.photos_cameras import camera_alignment, camera_scores
from unflat.bench.photos_looks import looks_scores
from unflat.bench.photos_shape import aligned, shape_scores
from unflat.bench.photos_truth import Outcome, PhotosTruth, of_file_names
from unflat.bench.single_view_score import Scores


def scores_of(truth: PhotosTruth, outcome: Outcome) -> Scores:
    """All measures of one outcome; 10 to 20 s on one core. Only the asset's first part is judged."""
    cameras = of_file_names(outcome.cameras)
    by_cameras = camera_alignment(cameras, truth.cameras)
    part = outcome.asset.parts[0]
    scores = camera_scores(truth, cameras, by_cameras)
    shape, similarity = shape_scores(truth, part, by_cameras)
    scores |= shape
    if truth.left_out and (part.material.base_color is not None or part.mesh.colors is not None):
        scores |= looks_scores(aligned(part, similarity), truth.left_out)
    return scores
