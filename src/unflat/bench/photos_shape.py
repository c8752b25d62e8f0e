"""How well a photo set's shape was found: cropped to the object, laid over the truth, distances to the surfaces."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float32, Float64, Int32

from unflat.bench.photos_truth import POINTS, SPACING, PhotosTruth
from unflat.bench.single_view_score import Scores, confidence_at, f_score
from unflat.core import Material, Mesh, Part
from unflat.geometry.closest import NearestSurface
from unflat.geometry.meshes import transformed
from unflat.geometry.outer_surface import OuterPoints, outer_points
from unflat.geometry.registration import fitted_similarity, register

THRESHOLDS = (0.005, 0.01)
"""Of accuracy, completeness and F-score, in longest sides of the object."""
MARGIN = 0.05
"""The object's box is grown by this share of its longest side; nothing outside is judged."""
SEEN = 0.5
"""Confidence above which a point is called seen."""
_GUESS_SEED = 2
_SEARCH_POINTS = 6000
_WIDE_MARGIN = 0.15
"""The box while the alignment is still to be refined."""
_ICP_POINTS, _ICP_STEPS = 4000, 25
_REACHES = (0.06, 0.015)
"""Pairs further apart than this (longest sides; from the first to the last step) do not pull."""
_SOFTENING = 0.002
"""In longest sides: weights of one over distance plus this make least squares minimise the mean distance."""


@dataclass(frozen=True, eq=False)
class Cropped:
    """What is left of a guess in the true frame once only the object is looked at."""

    mesh: Mesh
    """Its faces that reach into the box."""
    points: Float64[np.ndarray, "n 3"]
    """Points of its outer surface inside the box and above the floor."""
    seen: Bool[np.ndarray, "n"]
    """Which of them it calls seen; all where it does not say."""


def shape_scores(
    truth: PhotosTruth, part: Part, start: Float64[np.ndarray, "4 4"] | None
) -> tuple[Scores, Float64[np.ndarray, "4 4"]]:
    """Accuracy, completeness and F-score, and the alignment they were measured in (``true_from_guess``).

    `start` is the alignment by cameras, refined here by ICP with scale; None where there is none: then the best
    rotation is searched for. Distances are in % of the longest side. ``f_…_by_cameras`` is measured without ICP.
    """
    scores: Scores = {}
    if start is None:
        start = searched_alignment(truth, part)
    else:
        before = _measured(truth, part, start)
        scores |= {f"{name}_by_cameras": before.get(name) for name in ("f_0.5", "f_1")}
    similarity = refined_alignment(truth, part, start)
    return scores | _measured(truth, part, similarity), similarity


def _measured(truth: PhotosTruth, part: Part, similarity: Float64[np.ndarray, "4 4"]) -> Scores:
    """All of it, in this alignment. A guess without surface in the box scores 0."""
    guess = cropped(truth, part, similarity)
    percent = 100 / truth.longest_side
    asked = truth.asked
    if guess is None or len(asked) == 0:
        return {f"{name}_{100 * t:g}": 0.0 for t in THRESHOLDS for name in ("f", "accurate", "complete")}
    there = percent * truth.surface.query(guess.points).distance
    back = percent * NearestSurface(guess.mesh, SPACING * truth.longest_side).query(asked).distance
    scores: Scores = {"accuracy": float(there.mean()), "completeness": float(back.mean())}
    scores |= {"accuracy_median": float(np.median(there)), "completeness_median": float(np.median(back))}
    scores["seen_share"] = float(guess.seen.mean())
    for threshold in (100 * t for t in THRESHOLDS):
        scores[f"f_{threshold:g}"] = f_score(there, back, threshold)
        scores[f"accurate_{threshold:g}"] = float((there < threshold).mean())
        scores[f"complete_{threshold:g}"] = float((back < threshold).mean())
        for name, chosen in (("seen", guess.seen), ("inferred", ~guess.seen)):
            near = there[chosen] < threshold
            scores[f"{name}_accurate_{threshold:g}"] = float(near.mean()) if len(near) else None
    return scores


def cropped(
    truth: PhotosTruth, part: Part, similarity: Float64[np.ndarray, "4 4"], margin: float = MARGIN, count: int = POINTS
) -> Cropped | None:
    """The guess in the true frame, cut down to the object's box and what stands above the table; None if none does."""
    near = _near_box(truth, transformed(part.mesh, similarity), margin)
    if near is None:
        return None
    mesh, faces = near
    outer = outer_points(mesh, count, _GUESS_SEED)
    points = outer.points.astype(np.float64)
    kept = _in_box(truth, points, margin) & truth.above_floor(points)
    if not kept.any():
        return None
    own = OuterPoints(outer.points[kept], outer.normals[kept], faces[outer.face[kept]], outer.barycentric[kept])
    confidence: Float32[np.ndarray, "n"] | None = confidence_at(part, own)
    seen = np.ones(int(kept.sum()), bool) if confidence is None else np.asarray(confidence > SEEN)
    return Cropped(mesh, points[kept], seen)


def searched_alignment(truth: PhotosTruth, part: Part) -> Float64[np.ndarray, "4 4"]:
    """The best of all rotations, for a guess without cameras. Fair only to one that holds little but the object."""
    found = outer_points(part.mesh, _SEARCH_POINTS, _GUESS_SEED).points.astype(np.float64)
    true = outer_points(truth.part.mesh, _SEARCH_POINTS).points.astype(np.float64)
    return register(found, true).similarity


def refined_alignment(truth: PhotosTruth, part: Part, start: Float64[np.ndarray, "4 4"]) -> Float64[np.ndarray, "4 4"]:
    """ICP with scale from a start that is about right: nearest places both ways, pairs that lie far apart ignored."""
    guess = cropped(truth, part, start, _WIDE_MARGIN, _ICP_POINTS)
    asked = truth.asked[:_ICP_POINTS]
    if guess is None or len(asked) == 0:
        return start
    side = truth.longest_side
    surface = NearestSurface(guess.mesh, SPACING * side)
    change = np.eye(4)
    for reach in side * np.geomspace(*_REACHES, _ICP_STEPS):
        scale = float(np.cbrt(np.linalg.det(change[:3, :3])))
        moved = guess.points @ change[:3, :3].T + change[:3, 3]
        there = truth.surface.query(moved)
        returned = (asked - change[:3, 3]) @ change[:3, :3] / scale**2
        back = surface.query(returned)
        distance = np.concatenate([there.distance, scale * back.distance])
        weights = np.where(distance < reach, 1 / (distance + _SOFTENING * side), 0.0)
        weights[: len(moved)] /= len(moved)
        weights[len(moved) :] /= len(asked)
        if weights[: len(moved)].sum() == 0 or weights[len(moved) :].sum() == 0:
            break
        change = fitted_similarity(
            np.concatenate([guess.points, back.position]), np.concatenate([there.position, asked]), weights
        )
    return change @ start


def _near_box(truth: PhotosTruth, mesh: Mesh, margin: float) -> tuple[Mesh, Int32[np.ndarray, "f"]] | None:
    """The faces whose own box meets the object's grown one, and their numbers; None if there are none."""
    low, high = _box(truth, margin)
    triangles = mesh.triangles
    meets = ((triangles.max(axis=1) >= low) & (triangles.min(axis=1) <= high)).all(axis=1)
    faces = np.flatnonzero(meets).astype(np.int32)
    return (Mesh(mesh.vertices, mesh.faces[faces]), faces) if len(faces) else None


def _in_box(truth: PhotosTruth, points: Float64[np.ndarray, "n 3"], margin: float) -> Bool[np.ndarray, "n"]:
    low, high = _box(truth, margin)
    return np.asarray(((points >= low) & (points <= high)).all(axis=1))


def _box(truth: PhotosTruth, margin: float) -> tuple[Float64[np.ndarray, "3"], Float64[np.ndarray, "3"]]:
    grown = margin * truth.longest_side
    vertices = truth.part.mesh.vertices.astype(np.float64)
    return vertices.min(axis=0) - grown, vertices.max(axis=0) + grown


def aligned(part: Part, similarity: Float64[np.ndarray, "4 4"]) -> Part:
    """The part moved into the true frame."""
    material: Material = part.material
    return Part(transformed(part.mesh, similarity), material, part.name)
