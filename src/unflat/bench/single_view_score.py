"""How good a guess is: laid over the truth as well as can be, then measured. All distances in half extents."""

from __future__ import annotations

import numpy as np
from jaxtyping import Bool, Float32, Float64
from scipy.spatial import cKDTree

from unflat.bench.picture_distance import psnr_db, structure_distance
from unflat.bench.single_view_cases import POINTS, Case, view_rotation
from unflat.bench.single_view_guess import Guess
from unflat.core import Camera, Mesh, Part
from unflat.geometry.cameras import pixel_centers, pixel_rays
from unflat.geometry.closest import NearestSurface
from unflat.geometry.compare import silhouette_iou
from unflat.geometry.meshes import transformed
from unflat.geometry.outer_surface import OuterPoints, outer_points
from unflat.geometry.raycast import RayCaster
from unflat.geometry.registration import register, register_from
from unflat.render.frame import render_frame
from unflat.render.scene import build_scene

THRESHOLDS = (0.02, 0.05, 0.1, 0.2)
"""Of the F-scores, in half extents."""
_GUESS_SEED = 2
_SPACING = 0.02
_SEEN = 0.5
"""Confidence above which a point is called seen."""

Scores = dict[str, float | None]
"""Names as in `docs/single-view-benchmark.md`; None is "not measured"."""


def scores_of(case: Case, guess: Guess, *, pictures: bool = True) -> Scores:
    """All measures of one guess. About 1.3 s on one core.

    Shape is measured where a search over all rotations lays the guess over the truth best; outline, looks and what was
    called seen in the pose that the guess itself claims, refined by ICP alone.
    """
    found = outer_points(guess.part.mesh, POINTS, _GUESS_SEED)
    truth, cloud = case.truth.outer, found.points.astype(np.float64)
    fixed = truth.points.astype(np.float64)
    start = view_rotation(case.camera) @ view_rotation(guess.camera).T
    scores = _shape(case, guess.part, found, register(cloud, fixed, start).similarity)
    claimed = register_from(cloud, fixed, start).similarity
    part = Part(transformed(guess.part.mesh, claimed), guess.part.material)
    scores["claimed_chamfer"], scores["silhouette_iou"] = (
        _as_claimed(case, found, claimed),
        _silhouette(case, guess, part),
    )
    scores |= _seen_or_inferred(case, guess.part, found, claimed)
    if pictures and (part.material.base_color is not None or part.mesh.colors is not None):
        scores |= _looks(case, part)
    return scores


def _shape(case: Case, part: Part, found: OuterPoints, similarity: Float64[np.ndarray, "4 4"]) -> Scores:
    truth, aligned = case.truth.outer, _moved(found, similarity)
    there, near_truth = cKDTree(truth.points).query(aligned.points)
    back, near_found = cKDTree(aligned.points).query(truth.points)
    scores: Scores = {"chamfer": (float(there.mean()) + float(back.mean())) / 2}
    scores |= {"accuracy": float(there.mean()), "completeness": float(back.mean())}
    scores |= {f"f_{threshold:g}": f_score(there, back, threshold) for threshold in THRESHOLDS}
    scores["normals"] = _normal_consistency(aligned, truth, near_truth, near_found)
    return scores | _exact(case, transformed(part.mesh, similarity), aligned)


def _as_claimed(case: Case, found: OuterPoints, similarity: Float64[np.ndarray, "4 4"]) -> float:
    """Chamfer distance without the search: how much the search forgave."""
    points, truth = _moved(found, similarity).points, case.truth.outer.points
    there, back = cKDTree(truth).query(points)[0], cKDTree(points).query(truth)[0]
    return (float(there.mean()) + float(back.mean())) / 2


def f_score(there: Float64[np.ndarray, "n"], back: Float64[np.ndarray, "m"], threshold: float) -> float:
    """Harmonic mean of the shares of the distances below the threshold (Knapitsch et al. 2017)."""
    precision, recall = float((there < threshold).mean()), float((back < threshold).mean())
    return 0.0 if precision + recall == 0 else 2 * precision * recall / (precision + recall)


def _moved(points: OuterPoints, similarity: Float64[np.ndarray, "4 4"]) -> OuterPoints:
    linear = similarity[:3, :3]
    turn = linear / np.cbrt(np.linalg.det(linear))
    moved = (points.points @ linear.T + similarity[:3, 3]).astype(np.float32)
    return OuterPoints(moved, (points.normals @ turn.T).astype(np.float32), points.face, points.barycentric)


def _normal_consistency(
    found: OuterPoints, truth: OuterPoints, near_truth: np.ndarray, near_found: np.ndarray
) -> float:
    """Mean cosine between normals of nearest points, both ways, whatever their sign (Mescheder et al. 2019)."""
    there = np.abs(np.einsum("ij,ij->i", found.normals, truth.normals[near_truth]))
    back = np.abs(np.einsum("ij,ij->i", truth.normals, found.normals[near_found]))
    return float(there.mean() + back.mean()) / 2


def _exact(case: Case, mesh: Mesh, found: OuterPoints) -> Scores:
    """From points to the surface itself: what remains when sampling is no part of the distance."""
    surface = NearestSurface(mesh, _SPACING)
    there = case.truth.surface.query(found.points.astype(np.float64)).distance
    back = surface.query(case.truth.outer.points.astype(np.float64)).distance
    scores: Scores = {"surface_chamfer": float(there.mean() + back.mean()) / 2}
    return scores | {f"surface_f_{threshold:g}": f_score(there, back, threshold) for threshold in THRESHOLDS}


def _silhouette(case: Case, guess: Guess, aligned: Part) -> float:
    """Overlap of the outlines at the photo's view: in the guess's own camera if that frames it, else the true one."""
    outline = _outline(guess.part, guess.camera) if guess.framed else _outline(aligned, case.camera)
    assert case.view.mask is not None
    return silhouette_iou(outline, case.view.mask.solid)


def _outline(part: Part, camera: Camera) -> Bool[np.ndarray, "h w"]:
    origins, directions = (rays.astype(np.float32) for rays in pixel_rays(camera, pixel_centers(camera)))
    return RayCaster(part.mesh).cast(origins, directions).hit.reshape(camera.height_px, camera.width_px)


def _seen_or_inferred(case: Case, part: Part, found: OuterPoints, similarity: Float64[np.ndarray, "4 4"]) -> Scores:
    """Of surface that is called seen, and of that called inferred: how much is near the truth, and truly visible."""
    confidence = confidence_at(part, found)
    if confidence is None:
        return {}
    there, near_truth = cKDTree(case.truth.outer.points).query(_moved(found, similarity).points)
    called_seen = confidence > _SEEN
    scores: Scores = {"seen_share": float(called_seen.mean())}
    for name, chosen in (("seen", called_seen), ("inferred", ~called_seen)):
        for threshold in THRESHOLDS[:3]:
            scores[f"{name}_within_{threshold:g}"] = _mean(there[chosen] < threshold)
        scores[f"{name}_visible"] = _mean(case.visible[near_truth[chosen]])
    return scores


def confidence_at(part: Part, points: OuterPoints) -> Float32[np.ndarray, "n"] | None:
    """The part's own word on each point, 1 seen to 0 inferred: its texture's, else its vertices'; None without any."""
    mesh, texture = part.mesh, part.material.confidence
    weights = points.barycentric.astype(np.float32)
    if texture is not None and mesh.uv is not None:
        size = np.array(texture.shape[1::-1])
        uv = np.einsum("nk,nkc->nc", weights, mesh.uv[mesh.faces[points.face]])
        column, row = np.clip((uv * size).astype(int), 0, size - 1).T
        return texture[row, column].astype(np.float32) / np.float32(255)
    if mesh.confidence is not None:
        return np.asarray((weights * mesh.confidence[mesh.faces[points.face]]).sum(axis=1), np.float32)
    return None


def _looks(case: Case, aligned: Part) -> Scores:
    """Guess and truth photographed from the same six sides, laid over each other."""
    scene = build_scene((aligned,))
    rows = []
    for camera, truth in zip(case.truth.novel_cameras, case.truth.novel_views, strict=True):
        found = render_frame(scene, camera)
        where = (found.alpha > 0) | (truth.alpha > 0)
        rows.append((psnr_db(found.color, truth.color), structure_distance(found.color, truth.color, where)))
    psnr, structure = np.mean(rows, axis=0)
    return {"psnr_db": float(psnr), "structure": float(structure)}


def _mean(values: np.ndarray) -> float | None:
    return float(values.mean()) if len(values) else None
