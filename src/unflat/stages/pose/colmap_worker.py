"""The program that runs COLMAP in a process of its own: it may end its process, and it must be possible to end it.

``python -m unflat.stages.pose.colmap_worker FOLDER THREADS`` does the job in the folder (see `colmap_job`), tells how
far it is by a number 0..1 a line, and goes on where an earlier run of it stopped: features and matches lie in the
database.
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator, Sequence
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pycolmap

from unflat.stages.pose.colmap_job import DATABASE, MODEL, PICTURES, ColmapAnswer, ColmapJob, Lens
from unflat.stages.pose.colmap_model import found_in
from unflat.stages.pose.retrieval import nearest_pictures

_SEQUENCE_REACH = 12
"""A photo of a walk is compared with so many that follow, and with some that look alike."""
_LOOK_ALIKE = 25
_PAIRS_AT_ONCE = 16
_MAP_BOTH_UP_TO = 120
"""Photos up to which both mappers are tried; beyond, the incremental one only where the global leaves photos out."""
_GOOD_SHARE = 0.9
_EXTRACTING, _MATCHING, _MAPPING = (0.0, 0.35), (0.35, 0.8), (0.8, 1.0)
"""Share of the time that each step takes, roughly."""
_FEW = 6
"""Up to so many photos a mapper may begin from a narrower angle and fewer matches."""


def main(folder: Path, threads: int) -> None:
    """Do the job and write the answer."""
    job = ColmapJob.read(folder)
    pycolmap.logging.minloglevel = int(pycolmap.logging.FATAL)
    database = folder / DATABASE
    _extract(folder, job, threads)
    _match(database, job, threads)
    if job.cameras_known:
        best = _triangulated(folder, job, threads)
        found = ("known", best)
    else:
        found = _mapped(folder, job, threads)
    _answer(database, *found).write(folder)
    _tell(1.0)


def _tell(share: float) -> None:
    sys.stdout.write(f"{share:.4f}\n")
    sys.stdout.flush()


def _extract(folder: Path, job: ColmapJob, threads: int) -> None:
    """Features of all pictures that the database does not know yet, a few at a time."""
    options = pycolmap.FeatureExtractionOptions()
    options.num_threads, options.use_gpu = threads, False
    options.sift.max_num_features, options.sift.first_octave = job.features, job.finest_octave
    done = 0
    for lens in job.lenses:
        with pycolmap.Database.open(folder / DATABASE) as known:
            names = {image.name: image for image in known.read_all_images()}
            have = [
                name for name in lens.pictures if name in names and known.num_keypoints_for_image(names[name].image_id)
            ]
        camera = names[have[0]].camera_id if have else -1
        done += len(have)
        for some in _batches([name for name in lens.pictures if name not in have], max(threads, 1)):
            pycolmap.extract_features(
                folder / DATABASE, folder / PICTURES, list(some), pycolmap.CameraMode.SINGLE,
                _reader(lens, camera), options, pycolmap.Device.cpu,
            )  # fmt: skip
            if camera < 0:
                with pycolmap.Database.open(folder / DATABASE) as known:
                    camera = known.read_image_with_name(some[0]).camera_id
            done += len(some)
            _tell(_EXTRACTING[1] * done / len(job.order))


def _reader(lens: Lens, camera: int) -> Any:
    reader = pycolmap.ImageReaderOptions()
    reader.camera_model = "SIMPLE_RADIAL"
    if camera >= 0:
        reader.existing_camera_id = camera
    elif lens.focal_px is not None:
        reader.camera_params = f"{lens.focal_px},{lens.width / 2},{lens.height / 2},0"
    return reader


def _match(database: Path, job: ColmapJob, threads: int) -> None:
    """Compare the pairs that the database does not know yet, a few at a time."""
    options, verification = pycolmap.FeatureMatchingOptions(), pycolmap.TwoViewGeometryOptions()
    options.num_threads, options.use_gpu = threads, False
    verification.ransac.random_seed = job.seed
    pairing = pycolmap.ImportedPairingOptions()
    pairs = _pairs(database, job)
    with pycolmap.Database.open(database) as known:
        ids = {image.name: image.image_id for image in known.read_all_images()}
        left = [pair for pair in pairs if not known.exists_two_view_geometry(ids[pair[0]], ids[pair[1]])]
    listed = database.parent / "pairs.txt"
    done = len(pairs) - len(left)
    for some in _batches(left, _PAIRS_AT_ONCE):
        listed.write_text("".join(f"{a} {b}\n" for a, b in some), "utf-8")
        pairing.match_list_path = listed
        pycolmap.match_image_pairs(database, options, pairing, verification, pycolmap.Device.cpu)
        done += len(some)
        _tell(_MATCHING[0] + (_MATCHING[1] - _MATCHING[0]) * done / len(pairs))


def _pairs(database: Path, job: ColmapJob) -> list[tuple[str, str]]:
    names = job.order
    if job.matching == "exhaustive":
        return list(combinations(names, 2))
    chosen: set[tuple[int, int]] = set()
    if job.matching == "sequential":
        for first in range(len(names)):
            last = min(first + _SEQUENCE_REACH, len(names) - 1)
            chosen.update((first, second) for second in range(first + 1, last + 1))
            chosen.update((first, first + step) for step in (16, 32, 64) if first + step < len(names))
    with pycolmap.Database.open(database) as known:
        descriptors = [known.read_descriptors(known.read_image_with_name(name).image_id).data for name in names]
    alike = nearest_pictures(descriptors, _LOOK_ALIKE, job.seed)
    chosen.update((min(a, b), max(a, b)) for a, others in enumerate(alike) for b in others)
    return [(names[a], names[b]) for a, b in sorted(chosen)]


def _mapped(folder: Path, job: ColmapJob, threads: int) -> tuple[str, Any]:
    """The better of the global and the incremental model: by registered pictures, then by error."""
    candidates: list[tuple[str, Any]] = []
    for name, way in (("global", _global), ("incremental", _incremental)):
        best = max((model.num_reg_images() for _, model in candidates), default=0)
        if name == "incremental" and len(job.order) > _MAP_BOTH_UP_TO and best >= _GOOD_SHARE * len(job.order):
            break
        models = way(folder, job, threads)
        candidates += [(name, model) for model in models if model.num_reg_images() >= 2 and model.num_points3D() > 0]
        _tell(_MAPPING[0] + 0.09 * (1 + (name == "incremental")))
    if not candidates:
        return "", None
    name, model = max(
        candidates, key=lambda found: (found[1].num_reg_images(), -found[1].compute_mean_reprojection_error())
    )
    _refined(model)
    found_in(model).write(folder)
    return name, model


def _global(folder: Path, job: ColmapJob, threads: int) -> list[Any]:
    options = pycolmap.GlobalPipelineOptions()
    options.num_threads, options.random_seed = threads, job.seed
    options.mapper.num_threads, options.mapper.random_seed = threads, job.seed
    return _models(pycolmap.global_mapping, folder, "global", options)


def _incremental(folder: Path, job: ColmapJob, threads: int) -> list[Any]:
    options = pycolmap.IncrementalPipelineOptions()
    options.num_threads, options.random_seed = threads, job.seed
    options.mapper.num_threads, options.mapper.random_seed = threads, job.seed
    options.min_model_size = 2
    if len(job.order) <= _FEW:
        options.mapper.init_min_num_inliers, options.mapper.init_min_tri_angle = 40, 4.0
        options.triangulation.ignore_two_view_tracks = False
    return _models(pycolmap.incremental_mapping, folder, "incremental", options)


def _models(mapper: Any, folder: Path, name: str, options: Any) -> list[Any]:
    """What a mapper finds; nothing where it gives up."""
    output = folder / name
    shutil.rmtree(output, ignore_errors=True)
    output.mkdir()
    try:
        return list(mapper(folder / DATABASE, folder / PICTURES, output, options).values())
    except (RuntimeError, ValueError):
        return []


def _refined(model: Any) -> None:
    """Adjust all once more with a richer lens, where there are pictures enough to know it by."""
    if model.num_reg_images() < 8:
        return
    for camera in model.cameras.values():
        focal, cx, cy, radial = camera.params
        camera.model = pycolmap.CameraModelId.OPENCV
        camera.params = [focal, focal, cx, cy, radial, 0.0, 0.0, 0.0]
    options = pycolmap.BundleAdjustmentOptions()
    options.refine_principal_point = False
    pycolmap.bundle_adjustment(model, options)


def _triangulated(folder: Path, job: ColmapJob, threads: int) -> Any:
    """The points of pictures whose cameras are known."""
    options = pycolmap.IncrementalPipelineOptions()
    options.num_threads, options.random_seed = threads, job.seed
    model = pycolmap.Reconstruction(folder / MODEL)
    found = pycolmap.triangulate_points(model, folder / DATABASE, folder / PICTURES, folder / MODEL, True, options)
    found_in(found).write(folder)
    return found


def _answer(database: Path, mapper: str, model: Any) -> ColmapAnswer:
    pairs, flat = [], 0
    with pycolmap.Database.open(database) as known:
        names = {image.image_id: image.name for image in known.read_all_images()}
        features = {name: known.num_keypoints_for_image(image) for image, name in names.items()}
        for first, second in combinations(sorted(names), 2):
            if not known.exists_two_view_geometry(first, second):
                continue
            geometry = known.read_two_view_geometry(first, second)
            count = len(geometry.inlier_matches)
            if count:
                pairs.append((names[first], names[second], count))
                kinds = pycolmap.TwoViewGeometryConfiguration
                flat += geometry.config in (kinds.PLANAR, kinds.PANORAMIC, kinds.PLANAR_OR_PANORAMIC)
    registered = 0 if model is None else model.num_reg_images()
    error = 0.0 if model is None else float(model.compute_mean_reprojection_error())
    return ColmapAnswer(mapper, registered, error, tuple(pairs), features, flat)


def _batches(values: Sequence[Any], size: int) -> Iterator[Sequence[Any]]:
    for start in range(0, len(values), size):
        yield values[start : start + size]


if __name__ == "__main__":
    np.random.seed(0)
    main(Path(sys.argv[1]), int(sys.argv[2]))
