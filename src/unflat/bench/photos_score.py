"""How good a reconstruction from photos is: cameras, shape and looks against a set's truth; and depth of a stereo pair.

The protocol is written down in `docs/photos-benchmark.md`.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float32

from unflat.bench.photos_cameras import camera_alignment, camera_scores
from unflat.bench.photos_looks import looks_scores
from unflat.bench.photos_shape import aligned, shape_scores
from unflat.bench.photos_truth import Outcome, PhotosTruth, of_file_names
from unflat.bench.single_view_score import Scores

DISPARITY_THRESHOLDS_PX = (1.0, 2.0, 4.0)


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


def disparity_scores(found: Float32[np.ndarray, "h w"], true: Float32[np.ndarray, "h w"]) -> Scores:
    """Errors of a disparity map in pixels, where the truth is known (finite); NaN in `found` is unknown.

    ``known``: share of those pixels that have a value. ``mean``, ``median``: absolute errors of these. ``bad_…``: share
    of all of them that are off by more than so many pixels or have no value (Scharstein and Szeliski 2002).
    """
    judged = np.isfinite(true)
    errors = np.abs(found[judged].astype(np.float64) - true[judged])
    known = np.isfinite(errors)
    scores: Scores = {"known": float(known.mean())}
    scores["mean"] = float(errors[known].mean()) if known.any() else None
    scores["median"] = float(np.median(errors[known])) if known.any() else None
    for threshold in DISPARITY_THRESHOLDS_PX:
        scores[f"bad_{threshold:g}"] = float((~known | (errors > threshold)).mean())
    return scores


def motorcycle_pair() -> tuple[np.ndarray, np.ndarray, Float32[np.ndarray, "500 741"]]:
    """Middlebury's motorcycle (Scharstein et al. 2014) as scikit-image ships it: left, right, disparity of the left.

    The pictures are rectified sRGB; a point at column c of the left one is at ``c - disparity`` in the right one. NaN
    where the truth is unknown.
    """
    from skimage.data import stereo_motorcycle

    left, right, disparity = stereo_motorcycle()
    known = np.where(np.isfinite(disparity) & (disparity > 0), disparity, np.nan)
    return np.asarray(left), np.asarray(right), known.astype(np.float32)
