"""How well a photo set's cameras were found: laid over the true ones, then compared one by one."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from jaxtyping import Float64

from unflat.bench.photos_truth import PhotosTruth
from unflat.bench.single_view_score import Scores
from unflat.core import Camera
from unflat.geometry.cameras import transform_camera
from unflat.geometry.registration import fitted_similarity
from unflat.geometry.similarities import turning

LEAST_CAMERAS = 3
RIGHT_DEG, RIGHT_SHARE = 1.0, 0.01
"""A camera is right if it is turned by no more than this and stands no further off than this share of its distance."""
_STEPS = 30
_SOFT_ANGLE = np.radians(0.05)
_SOFT_LENGTH = 1e-4
"""In reaches. Weights of one over the error (but no less than these) make least squares minimise the mean error, which
a few wrong cameras do not move."""


def camera_alignment(estimated: Mapping[str, Camera], true: Mapping[str, Camera]) -> Float64[np.ndarray, "4 4"] | None:
    """The similarity that lays the estimated cameras over the true ones of the same names: ``true_from_estimated``.

    By centres and orientations alike, so three cameras in a line will do, and robust: up to a quarter of the cameras
    may be wrong. None where fewer than three have a true camera, or all stand in one place.
    """
    names = sorted(set(estimated) & set(true))
    if len(names) < LEAST_CAMERAS:
        return None
    given = np.array([estimated[name].world_from_camera for name in names])
    wanted = np.array([true[name].world_from_camera for name in names])
    rotation = _robust_rotation(wanted[:, :3, :3] @ given[:, :3, :3].transpose(0, 2, 1))
    start = _similarity_of_centers(given[:, :3, 3], wanted[:, :3, 3], rotation)
    return None if start is None else _refined(given, wanted, start)


def camera_scores(
    truth: PhotosTruth, estimated: Mapping[str, Camera], similarity: Float64[np.ndarray, "4 4"] | None
) -> Scores:
    """Registered share; errors of rotation (degrees), position (% of the object's longest side and of the camera's
    distance) and focal length (%), of the registered cameras after the alignment; share of all photos that are right.
    """
    names = sorted(set(estimated) & set(truth.cameras))
    scores: Scores = {"registered": len(names) / len(truth.cameras)}
    if similarity is None:
        return scores | {"right": 0.0}
    pairs = [(transform_camera(estimated[name], similarity), truth.cameras[name]) for name in names]
    turned = np.array([rotation_error_deg(found, true) for found, true in pairs])
    moved = np.array([np.linalg.norm(found.center - true.center) for found, true in pairs])
    away = np.array([np.linalg.norm(true.center - truth.middle) for _, true in pairs])
    focal = np.array([abs(found.fx / found.width_px / (true.fx / true.width_px) - 1) for found, true in pairs])
    right = (turned <= RIGHT_DEG) & (moved <= RIGHT_SHARE * away)
    return scores | {
        "right": float(right.sum()) / len(truth.cameras),
        "rotation_deg": float(np.median(turned)),
        "rotation_max_deg": float(turned.max()),
        "position_of_side": 100 * float(np.median(moved)) / truth.longest_side,
        "position_max_of_side": 100 * float(moved.max()) / truth.longest_side,
        "position_of_distance": 100 * float(np.median(moved / away)),
        "focal": 100 * float(np.median(focal)),
    }


def rotation_error_deg(one: Camera, other: Camera) -> float:
    """The angle between two cameras' orientations."""
    relative = one.world_from_camera[:3, :3].T @ other.world_from_camera[:3, :3]
    return float(np.degrees(_angles(relative[None])[0]))


def _angles(rotations: Float64[np.ndarray, "n 3 3"]) -> Float64[np.ndarray, "n"]:
    """How far each turns, in radians; exact for small angles too."""
    sine = np.linalg.norm(
        np.stack([rotations[:, 2, 1] - rotations[:, 1, 2], rotations[:, 0, 2] - rotations[:, 2, 0],
                  rotations[:, 1, 0] - rotations[:, 0, 1]]), axis=0)  # fmt: skip
    return np.asarray(np.arctan2(sine, np.einsum("nii->n", rotations) - 1))


def _robust_rotation(rotations: Float64[np.ndarray, "n 3 3"]) -> Float64[np.ndarray, "3 3"]:
    """The rotation with the least sum of angles to all (Weiszfeld on rotations; Hartley et al. 2011)."""
    sums = [_angles(rotations @ one.T).sum() for one in rotations]
    best = rotations[int(np.argmin(sums))]
    for _ in range(_STEPS):
        weights = 1 / np.maximum(_angles(rotations @ best.T), _SOFT_ANGLE)
        u, _, v = np.linalg.svd(np.einsum("n,nij->ij", weights, rotations))
        best = (u * [1, 1, np.sign(np.linalg.det(u @ v))]) @ v
    return np.asarray(best)


def _similarity_of_centers(
    given: Float64[np.ndarray, "n 3"], wanted: Float64[np.ndarray, "n 3"], rotation: Float64[np.ndarray, "3 3"]
) -> Float64[np.ndarray, "4 4"] | None:
    """Scale by the median ratio of distances between two cameras, then the median shift."""
    first, second = np.triu_indices(len(given), 1)
    spans = [np.linalg.norm(centers[first] - centers[second], axis=1) for centers in (given, wanted)]
    apart = spans[0] > 1e-9 * max(float(spans[0].max()), 1e-300)
    if not apart.any() or float(spans[1].max()) == 0:
        return None
    scale = float(np.median(spans[1][apart] / spans[0][apart]))
    if scale <= 0:
        return None
    matrix = turning(scale * rotation)
    matrix[:3, 3] = np.median(wanted - scale * given @ rotation.T, axis=0)
    return matrix


def _refined(
    given: Float64[np.ndarray, "n 4 4"], wanted: Float64[np.ndarray, "n 4 4"], start: Float64[np.ndarray, "4 4"]
) -> Float64[np.ndarray, "4 4"]:
    """Umeyama's fit of the centres and of the tips of the cameras' axes, weighted by how well each camera fits."""
    similarity = start
    centers = wanted[:, :3, 3]
    reach = float(np.median(np.linalg.norm(centers - np.median(centers, axis=0), axis=1)))
    reach = max(reach, 1e-9)
    target = _tips(wanted, reach)
    for _ in range(_STEPS):
        scale = float(np.cbrt(np.linalg.det(similarity[:3, :3])))
        source = _tips(given, reach / scale)
        moved = source @ similarity[:3, :3].T + similarity[:3, 3]
        errors = np.sqrt(((moved - target) ** 2).sum(axis=2).mean(axis=1))
        weights = np.repeat(1 / np.maximum(errors, _SOFT_LENGTH * reach), 4)
        similarity = fitted_similarity(source.reshape(-1, 3), target.reshape(-1, 3), weights)
    return similarity


def _tips(poses: Float64[np.ndarray, "n 4 4"], length: float) -> Float64[np.ndarray, "n 4 3"]:
    """Each camera's centre, and the ends of its three axes."""
    axes = np.concatenate([np.zeros((len(poses), 1, 3)), length * poses[:, :3, :3].transpose(0, 2, 1)], axis=1)
    return np.asarray(poses[:, None, :3, 3] + axes)
