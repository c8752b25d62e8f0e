"""COLMAP's two mappers on matched pictures, and which of their models to believe."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pycolmap

from unflat.stages.pose.colmap_job import LENS_TOLD_FROM, PICTURES, ColmapJob

_MAP_BOTH_UP_TO = 120
"""Photos up to which both mappers are tried; beyond, the incremental one only where the global leaves photos out."""
_GOOD_SHARE = 0.9
_BEGIN = 0.8
"""Share of the whole time after which mapping begins, roughly."""
_FEW = 6
"""Up to so many photos a mapper may begin from a narrower angle and fewer matches."""
_MANY_POINTS = 30
"""A picture that sees so many points of the model is well placed."""
_FEWEST_POINTS = 12
"""With fewer it may stand anywhere."""
_RICH_LENS_FROM = 8
"""Pictures from which on a lens with tangential distortion is told from their places."""


def mapped(database: Path, job: ColmapJob, threads: int, tell: Callable[[float], None]) -> tuple[str, Any]:
    """Name and model of the better of the global and the incremental mapper: by well placed pictures, then by error."""
    candidates: list[tuple[str, Any]] = []
    for name, way in (("global", _global), ("incremental", _incremental)):
        best = max((model.num_reg_images() for _, model in candidates), default=0)
        if name == "incremental" and len(job.order) > _MAP_BOTH_UP_TO and best >= _GOOD_SHARE * len(job.order):
            break
        models = way(database, job, threads)
        candidates += [(name, model) for model in models if model.num_reg_images() >= 2 and model.num_points3D() > 0]
        tell(_BEGIN + 0.09 * (1 + (name == "incremental")))
    if not candidates:
        return "", None
    return max(candidates, key=lambda found: (support(found[1]), -found[1].compute_mean_reprojection_error()))


def support(model: Any) -> float:
    """How many pictures are placed, those with few points counting less; 0 without a model."""
    return 0.0 if model is None else sum(min(points / _MANY_POINTS, 1) for points in _points(model).values())


def weak_pictures(model: Any, job: ColmapJob) -> list[str]:
    """Pictures that are not placed, or by few points only."""
    points = {} if model is None else _points(model)
    return [name for name in job.order if points.get(name, 0) < _MANY_POINTS]


def settle(model: Any) -> None:
    """Let go of pictures that next to nothing holds in their place, and adjust the rest once more with a richer lens,
    where there are pictures enough to know it by."""
    points = _points(model)
    for image in list(model.images.values()):
        if image.has_pose and points[image.name] < min(_FEWEST_POINTS, max(points.values())):
            model.deregister_frame(image.frame_id)
    if model.num_reg_images() >= _RICH_LENS_FROM:
        _refine(model)


def _points(model: Any) -> dict[str, int]:
    """How many points each placed picture sees."""
    return {image.name: image.num_points3D for image in model.images.values() if image.has_pose}


def _global(database: Path, job: ColmapJob, threads: int) -> list[Any]:
    options = pycolmap.GlobalPipelineOptions()
    options.num_threads, options.random_seed = threads, job.seed
    options.mapper.num_threads, options.mapper.random_seed = threads, job.seed
    adjustment = options.mapper.bundle_adjustment
    adjustment.refine_focal_length = not _trusts_lens(job)
    return _models(pycolmap.global_mapping, database, "global", options)


def _incremental(database: Path, job: ColmapJob, threads: int) -> list[Any]:
    options = pycolmap.IncrementalPipelineOptions()
    options.num_threads, options.random_seed = threads, job.seed
    options.mapper.num_threads, options.mapper.random_seed = threads, job.seed
    options.min_model_size = 2
    options.ba_refine_focal_length = not _trusts_lens(job)
    if len(job.order) <= _FEW:
        options.mapper.init_min_num_inliers, options.mapper.init_min_tri_angle = 40, 4.0
        options.triangulation.ignore_two_view_tracks = False
    return _models(pycolmap.incremental_mapping, database, "incremental", options)


def _trusts_lens(job: ColmapJob) -> bool:
    """Whether EXIF knows the lens better than the photos would tell it: of two or three they tell next to nothing."""
    return len(job.order) < LENS_TOLD_FROM and all(lens.focal_px is not None for lens in job.lenses)


def _models(mapper: Any, database: Path, name: str, options: Any) -> list[Any]:
    """What a mapper finds; nothing where it gives up."""
    output = database.parent / name
    shutil.rmtree(output, ignore_errors=True)
    output.mkdir()
    try:
        return list(mapper(database, database.parent / PICTURES, output, options).values())
    except (RuntimeError, ValueError):
        return []


def _refine(model: Any) -> None:
    for camera in model.cameras.values():
        focal, cx, cy, radial = camera.params
        camera.model = pycolmap.CameraModelId.OPENCV
        camera.params = [focal, focal, cx, cy, radial, 0.0, 0.0, 0.0]
    options = pycolmap.BundleAdjustmentOptions()
    options.refine_principal_point = False
    pycolmap.bundle_adjustment(model, options)
