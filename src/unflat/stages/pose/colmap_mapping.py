"""COLMAP's two mappers on matched pictures, and which of their models to believe."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pycolmap
from jaxtyping import Float64

from unflat.stages.pose.colmap_job import LENS_TOLD_FROM, PICTURES, ColmapJob
from unflat.stages.pose.colmap_pairs import two_view_geometries

_MAP_BOTH_UP_TO = 50
"""Photos up to which both mappers are tried; beyond, the incremental one only where the global leaves photos out."""
_GOOD_SHARE = 0.9
_TRACKS_A_PICTURE = 300
"""So many of its points, those that most pictures see, place a picture; the time of the global mapper grows with them,
and 64 photos come out the same with all. The others are added in the end."""
FEW = 6
"""Up to so many photos a mapper may begin from a narrower angle and fewer matches, and what two photos see counts."""
_MANY_POINTS = 30
"""A picture that sees so many points of the model is well placed."""
_RETYING_ROUNDS = 2
_WILDEST_LENS = 1e3
_ADJUSTED = 1e-6
"""A step that lessens the errors by a smaller share is the last; COLMAP goes on for six times as long."""
_LOOSE_POINTS = 150
"""Below, a few wrong matches bend the model."""
_FEWEST_POINTS = 12
"""With fewer it may stand anywhere."""
_AGREES_PX, _COUNTED_OF_A_PAIR = 4.0, 100
_FEW_SEEN, _FEW_SEEN_SHARE = 20, 0.15
"""Points, and share of the matches, that place a picture in a model which is trusted; 30 and a quarter at first."""
_RICH_LENS_FROM = 8
"""Pictures from which on a lens with tangential distortion is told from their places."""


def mapped(database: Path, job: ColmapJob, threads: int, tell: Callable[[float], None]) -> tuple[str, Any]:
    """Name and model of the better of the global and the incremental mapper: the one that more matches agree with."""
    candidates: list[tuple[str, Any]] = []
    for name, way in (("global", _global), ("incremental", _incremental)):
        best = max((model.num_reg_images() for _, model in candidates), default=0)
        if name == "incremental" and len(job.order) > _MAP_BOTH_UP_TO and best >= _GOOD_SHARE * len(job.order):
            break
        models = way(database, job, threads)
        candidates += [(name, model) for model in models if model.num_reg_images() >= 2 and model.num_points3D() > 0]
        tell(0.5 if name == "global" else 1.0)
    if not candidates:
        return "", None
    return max(candidates, key=lambda found: agreement(found[1], database))


def agreement(model: Any, database: Path) -> float:
    """How many verified matches agree with where the model places the pictures; 0 without a model.

    Of a pair at most a hundred count: what holds a model together is that far apart pictures agree. A match agrees
    where either point lies near the other's epipolar line (Sampson's distance; Hartley and Zisserman 2004, 11.4.3).
    """
    if model is None:
        return 0.0
    placed = {image.image_id: image for image in model.images.values() if image.has_pose}
    total = 0
    with pycolmap.Database.open(database) as known:
        rays = {
            number: model.cameras[image.camera_id].cam_from_img(known.read_keypoints(number)[:, :2].astype(np.float64))
            for number, image in placed.items()
        }
        for one, other, geometry in two_view_geometries(known):
            matches = np.asarray(geometry.inlier_matches).astype(np.int64)
            if len(matches) == 0 or one not in placed or other not in placed:
                continue
            essential = _essential(placed[one], placed[other])
            tolerance = _AGREES_PX / model.cameras[placed[one].camera_id].mean_focal_length()
            errors = _sampson(essential, rays[one][matches[:, 0]], rays[other][matches[:, 1]])
            total += min(int(np.count_nonzero(errors < tolerance)), _COUNTED_OF_A_PAIR)
    return float(total)


def _essential(one: Any, other: Any) -> Float64[np.ndarray, "3 3"]:
    """Maps rays of one picture to epipolar lines in the other."""
    moved = other.cam_from_world() * one.cam_from_world().inverse()
    x, y, z = moved.translation / max(float(np.linalg.norm(moved.translation)), 1e-12)
    return np.asarray(np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]]) @ moved.rotation.matrix(), np.float64)


def _sampson(
    essential: Float64[np.ndarray, "3 3"], first: Float64[np.ndarray, "n 2"], second: Float64[np.ndarray, "n 2"]
) -> Float64[np.ndarray, "n"]:
    one, other = (np.column_stack([rays, np.ones(len(rays))]) for rays in (first, second))
    lines, back = one @ essential.T, other @ essential
    slopes = (lines[:, :2] ** 2).sum(axis=1) + (back[:, :2] ** 2).sum(axis=1)
    return np.asarray(np.abs((lines * other).sum(axis=1)) / np.sqrt(np.maximum(slopes, 1e-30)))


def weak_pictures(model: Any, job: ColmapJob) -> list[str]:
    """Pictures that are not placed, or by few points only."""
    points = {} if model is None else _points(model)
    return [name for name in job.order if points.get(name, 0) < _MANY_POINTS]


def loosely_tied(model: Any, database: Path, job: ColmapJob) -> bool:
    """Whether a placed picture hangs by few points, or one has its matches with placed ones but no place."""
    points = _points(model)
    if any(count < _LOOSE_POINTS for count in points.values()):
        return True
    with pycolmap.Database.open(database) as known:
        ids = {name: known.read_image_with_name(name).image_id for name in job.order}
        for name in set(job.order) - set(points):
            pairs = [
                (ids[name], ids[other]) for other in points if known.exists_two_view_geometry(ids[name], ids[other])
            ]
            if sum(len(known.read_two_view_geometry(*pair).inlier_matches) for pair in pairs) >= _MANY_POINTS:
                return True
    return False


def settled(model: Any, database: Path, job: ColmapJob, threads: int) -> Any:
    """The model without pictures that next to nothing holds in their place, with those that the rest then places, and
    with a richer lens, where there are pictures enough to know it by."""
    let_go(model)
    if model.num_reg_images() < len(job.order):
        model = _gone_on(model, database, job, threads)
    if model.num_reg_images() >= _RICH_LENS_FROM:
        _refine(model)
    return model


def retied(model: Any, database: Path, job: ColmapJob, threads: int) -> Any:
    """A model with the same pictures whose points come anew from the database's matches, and whose places follow them.

    Much cheaper than mapping from nothing where hundreds of points tie each two pictures.
    """
    options = _incremental_options(job, threads)
    options.triangulation.ignore_two_view_tracks = len(job.order) > FEW
    _any_lens(options)
    adjustment = _adjustment()
    adjustment.refine_focal_length = not _trusts_lens(job)
    adjustment.ceres.loss_function_type = pycolmap.LossFunctionType.CAUCHY
    output = database.parent / "retied"
    model = in_database(model, database)
    for _ in range(_RETYING_ROUNDS):
        shutil.rmtree(output, ignore_errors=True)
        output.mkdir()
        model = pycolmap.triangulate_points(model, database, database.parent / PICTURES, output, True, options)
        pycolmap.bundle_adjustment(model, adjustment)
    return model


def in_database(model: Any, database: Path) -> Any:
    """The model with the database's numbers, by which COLMAP compares the two; the database gets the known lenses."""
    known_images = {image.name: image for image in model.images.values() if image.has_pose}
    with pycolmap.Database.open(database) as known:
        for image in known.read_all_images():
            if image.name not in known_images:
                continue
            camera = model.cameras[known_images[image.name].camera_id]
            known.update_camera(_numbered(camera, image.camera_id))
        cache = pycolmap.DatabaseCache.create(known, pycolmap.DatabaseCacheOptions())
    same = pycolmap.Reconstruction()
    same.load(cache)
    for image in same.images.values():
        if image.name not in known_images:
            continue
        pose = known_images[image.name].cam_from_world()
        same.frame(image.frame_id).set_cam_from_world(image.camera_id, pose)
        same.register_frame(image.frame_id)
    return same


def _numbered(camera: Any, number: int) -> Any:
    numbered = pycolmap.Camera(camera.todict())
    numbered.camera_id = number
    return numbered


def let_go(model: Any) -> None:
    """Take out pictures that next to nothing holds in their place."""
    points = _points(model)
    for image in list(model.images.values()):
        if image.has_pose and points[image.name] < min(_FEWEST_POINTS, max(points.values())):
            model.deregister_frame(image.frame_id)


def _gone_on(model: Any, database: Path, job: ColmapJob, threads: int) -> Any:
    """The model with pictures added that see enough of its points; the same model where there are none."""
    begin = database.parent / "begin"
    shutil.rmtree(begin, ignore_errors=True)
    begin.mkdir()
    model.write(begin)
    options = _incremental_options(job, threads)
    options.multiple_models = False
    _any_lens(options)
    options.mapper.abs_pose_min_num_inliers, options.mapper.abs_pose_min_inlier_ratio = _FEW_SEEN, _FEW_SEEN_SHARE
    for longer in _models(pycolmap.incremental_mapping, database, "onwards", options, begin):
        let_go(longer)
        if longer.num_reg_images() > model.num_reg_images():
            return longer
    return model


def _any_lens(options: Any) -> None:
    """Of a long lens the higher coefficients are large and mean little: COLMAP would pass over its pictures."""
    for part in (options, options.mapper, options.triangulation):
        part.max_extra_param = _WILDEST_LENS


def _points(model: Any) -> dict[str, int]:
    """How many points each placed picture sees."""
    return {image.name: image.num_points3D for image in model.images.values() if image.has_pose}


def _global(database: Path, job: ColmapJob, threads: int) -> list[Any]:
    options = pycolmap.GlobalPipelineOptions()
    options.num_threads, options.random_seed = threads, job.seed
    options.mapper.num_threads, options.mapper.random_seed = threads, job.seed
    options.mapper.track_required_tracks_per_view = _TRACKS_A_PICTURE
    adjustment = options.mapper.bundle_adjustment
    adjustment.refine_focal_length = not _trusts_lens(job)
    return _models(pycolmap.global_mapping, database, "global", options)


def _incremental(database: Path, job: ColmapJob, threads: int) -> list[Any]:
    options = _incremental_options(job, threads)
    options.min_model_size = 2
    if len(job.order) <= FEW:
        options.mapper.init_min_num_inliers, options.mapper.init_min_tri_angle = 40, 4.0
        options.triangulation.ignore_two_view_tracks = False
    return _models(pycolmap.incremental_mapping, database, "incremental", options)


def _incremental_options(job: ColmapJob, threads: int) -> Any:
    options = pycolmap.IncrementalPipelineOptions()
    options.num_threads, options.random_seed = threads, job.seed
    options.mapper.num_threads, options.mapper.random_seed = threads, job.seed
    options.ba_refine_focal_length = not _trusts_lens(job)
    return options


def _trusts_lens(job: ColmapJob) -> bool:
    """Whether EXIF knows the lens better than the photos would tell it: of two or three they tell next to nothing."""
    return len(job.order) < LENS_TOLD_FROM and all(lens.focal_px is not None for lens in job.lenses)


def _models(mapper: Any, database: Path, name: str, options: Any, *begin: Path) -> list[Any]:
    """What a mapper finds, from a model to begin with where there is one; nothing where it gives up."""
    output = database.parent / name
    shutil.rmtree(output, ignore_errors=True)
    output.mkdir()
    try:
        return list(mapper(database, database.parent / PICTURES, output, options, *begin).values())
    except (RuntimeError, ValueError):
        return []


def _refine(model: Any) -> None:
    for camera in model.cameras.values():
        if camera.model != pycolmap.CameraModelId.SIMPLE_RADIAL:
            continue
        focal, cx, cy, radial = camera.params
        camera.model = pycolmap.CameraModelId.OPENCV
        camera.params = [focal, focal, cx, cy, radial, 0.0, 0.0, 0.0]
    options = _adjustment()
    options.refine_principal_point = False
    pycolmap.bundle_adjustment(model, options)


def _adjustment() -> Any:
    options = pycolmap.BundleAdjustmentOptions()
    options.print_summary = False
    options.ceres.solver_options.function_tolerance = _ADJUSTED
    return options
