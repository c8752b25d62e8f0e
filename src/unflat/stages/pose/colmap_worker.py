"""The program that runs COLMAP in a process of its own: it may end its process, and it must be possible to end it.

``python -m unflat.stages.pose.colmap_worker FOLDER THREADS`` does the job in the folder (see `colmap_job`), tells how
far it is by a number 0..1 a line, and goes on where an earlier run of it stopped: features and matches lie in the
database.
"""

from __future__ import annotations

import math
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pycolmap

from unflat.core.device import calm_blas
from unflat.stages.pose.colmap_affine import with_affine_matches
from unflat.stages.pose.colmap_job import (
    ANSWER,
    DATABASE,
    JOB,
    LOG,
    MASKS,
    MODEL,
    PICTURES,
    ColmapAnswer,
    ColmapJob,
    Lens,
)
from unflat.stages.pose.colmap_mapping import (
    FEW,
    agreement,
    in_database,
    loosely_tied,
    mapped,
    retied,
    settled,
    weak_pictures,
)
from unflat.stages.pose.colmap_model import FILE as MODEL_FILE
from unflat.stages.pose.colmap_model import found_in
from unflat.stages.pose.colmap_pairs import is_turn, verified_pairs
from unflat.stages.pose.colmap_tracking import with_tracked_matches
from unflat.stages.pose.retrieval import nearest_pictures

_SEQUENCE_REACH = 12
"""A photo of a walk is compared with so many that follow, and with some that look alike."""
_LOOK_ALIKE = 12
_BESIDE = 2
"""Photos that look most like it, and photos that follow in order: with these a photo of many is compared."""
_PAIRS_AT_ONCE = 16
_AFFINE_PAIRS = 1300
"""Pairs that are compared a second time at most, from simulated tilts: half a second each."""
_AS_GOOD = 0.98
"""Tied model and the one before agree with about as many matches: what counts is capped at a hundred a pair."""
_TRACKED_ROUNDS, _TRACKED_UP_TO = 2, 120
"""How often points are tracked over the surface, and of how many pictures at most: ten core-seconds a picture."""
_LOOKED_AT_FIRST, _PLENTY = 5, 4000
"""Pictures whose features are counted first, and the count below which finer ones are needed."""
_EXTRACTING, _MATCHING = (0.0, 0.35), (0.35, 0.8)
"""Share of the time that these steps take, roughly; mapping takes the rest."""


def main(folder: Path, threads: int) -> None:
    """Do the job and write the answer."""
    job = ColmapJob.read(folder)
    pycolmap.logging.minloglevel = int(pycolmap.logging.FATAL)
    database = folder / DATABASE
    _extract(folder, job, threads)
    _match(database, job, threads)
    turned = not job.cameras_known and is_turn(verified_pairs(database), job)
    found: tuple[str, Any] = ("", None)
    if job.cameras_known:
        found = ("known", _triangulated(folder, job, threads))
    elif not turned:
        passes = _passes()
        with calm_blas():
            database, found = _mapped(folder, job, threads, passes)
            if found[1] is not None:
                database, found = _tied(database, found, job, threads, passes)
                found_in(found[1]).write(folder)
    _answer(database, *found, turned=turned).write(folder)
    _clear(folder)
    _tell(1.0)


def _clear(folder: Path) -> None:
    """Remove what only the way to the answer needed."""
    kept = {JOB, ANSWER, MODEL_FILE, LOG, PICTURES, MASKS, MODEL, DATABASE}
    for entry in folder.iterdir():
        if entry.name in kept:
            continue
        if entry.is_dir():
            shutil.rmtree(entry, ignore_errors=True)
        else:
            entry.unlink(missing_ok=True)


def _mapped(
    folder: Path, job: ColmapJob, threads: int, passes: Iterator[Callable[[float], None]]
) -> tuple[Path, tuple[str, Any]]:
    """Mapper and model from plain features or, where pictures hang by few of them, from affine ones if that is better;
    and the database with the matches."""
    database = folder / DATABASE
    found = mapped(database, job, threads, next(passes))
    weak = weak_pictures(found[1], job)
    if weak and math.comb(len(job.order), 2) - math.comb(len(job.order) - len(weak), 2) <= _AFFINE_PAIRS:
        affine = with_affine_matches(folder, weak, job, threads, next(passes))
        second = mapped(affine, job, threads, next(passes))
        if agreement(second[1], affine) > agreement(found[1], affine):
            database, found = affine, second
    if found[1] is not None:
        found = (found[0], settled(found[1], database, job, threads))
    return database, found


def _tied(
    database: Path, found: tuple[str, Any], job: ColmapJob, threads: int, passes: Iterator[Callable[[float], None]]
) -> tuple[Path, tuple[str, Any]]:
    """The same after points were tracked over the surface, where pictures hang by few; again if that placed more."""
    for _ in range(_TRACKED_ROUNDS):
        placed = found[1].num_reg_images()
        if len(job.order) > _TRACKED_UP_TO or not loosely_tied(found[1], database, job):
            break
        tracked = with_tracked_matches(database, found[1], job, threads, next(passes))
        if tracked is None:
            break
        second = settled(retied(found[1], tracked, job, threads), tracked, job, threads)
        poorer = second.num_reg_images() < placed or second.num_points3D() <= found[1].num_points3D()
        if poorer or agreement(second, tracked) < _AS_GOOD * agreement(found[1], tracked):
            break
        database, found = tracked, (found[0], second)
        if second.num_reg_images() <= placed:
            break
    return database, found


def _tell(share: float) -> None:
    sys.stdout.write(f"{share:.4f}\n")
    sys.stdout.flush()


def _passes() -> Iterator[Callable[[float], None]]:
    """What tells how far a pass of mapping or of looking closer is; each gets half of what is left, as nobody knows how
    many there will be."""
    begin = _MATCHING[1]
    while True:
        half = (1 - begin) / 2

        def tell(share: float, begin: float = begin, half: float = half) -> None:
            _tell(begin + half * share)

        yield tell
        begin += half


def _extract(folder: Path, job: ColmapJob, threads: int) -> None:
    """Features of all pictures that the database does not know yet, a few at a time."""
    options = pycolmap.FeatureExtractionOptions()
    options.num_threads, options.use_gpu = threads, False
    options.sift.max_num_features, options.sift.first_octave = job.features, job.finest_octave
    options.sift.first_octave = _octave_for(folder, job, options)
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
                _reader(lens, camera, folder / MASKS if job.masked else None), options, pycolmap.Device.cpu,
            )  # fmt: skip
            if camera < 0:
                with pycolmap.Database.open(folder / DATABASE) as known:
                    camera = known.read_image_with_name(some[0]).camera_id
            done += len(some)
            _tell(_EXTRACTING[1] * done / len(job.order))


def _octave_for(folder: Path, job: ColmapJob, options: Any) -> int:
    """One octave finer than asked for where a few of the pictures, looked at first, have few features."""
    if job.finest_octave < 0:
        return job.finest_octave
    some = job.order[:: max(len(job.order) // _LOOKED_AT_FIRST, 1)][:_LOOKED_AT_FIRST]
    with tempfile.TemporaryDirectory() as scratch:
        database = Path(scratch) / DATABASE
        pycolmap.extract_features(database, folder / PICTURES, some, extraction_options=options,
                                  device=pycolmap.Device.cpu)  # fmt: skip
        with pycolmap.Database.open(database) as known:
            counts = [known.num_keypoints_for_image(image.image_id) for image in known.read_all_images()]
    return job.finest_octave - (float(np.median(counts)) < _PLENTY)


def _reader(lens: Lens, camera: int, masks: Path | None) -> Any:
    reader = pycolmap.ImageReaderOptions()
    reader.camera_model = "SIMPLE_RADIAL"
    if masks is not None:
        reader.mask_path = masks
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
    chosen.update((a, a + step) for a in range(len(names)) for step in range(1, _BESIDE + 1) if a + step < len(names))
    return [(names[a], names[b]) for a, b in sorted(chosen)]


def _triangulated(folder: Path, job: ColmapJob, threads: int) -> Any:
    """The points of pictures whose cameras are known."""
    options = pycolmap.IncrementalPipelineOptions()
    options.num_threads, options.random_seed = threads, job.seed
    options.triangulation.ignore_two_view_tracks = len(job.order) > FEW
    model = in_database(pycolmap.Reconstruction(folder / MODEL), folder / DATABASE)
    found = pycolmap.triangulate_points(model, folder / DATABASE, folder / PICTURES, folder / MODEL, True, options)
    found_in(found).write(folder)
    return found


def _answer(database: Path, mapper: str, model: Any, *, turned: bool) -> ColmapAnswer:
    with pycolmap.Database.open(database) as known:
        features = {image.name: known.num_keypoints_for_image(image.image_id) for image in known.read_all_images()}
    pairs = verified_pairs(database)
    return ColmapAnswer(
        mapper,
        0 if model is None else model.num_reg_images(),
        0.0 if model is None else float(model.compute_mean_reprojection_error()),
        tuple((pair.first, pair.second, pair.matches) for pair in pairs),
        features,
        sum(pair.homography is not None for pair in pairs),
        turned,
    )


def _batches(values: Sequence[Any], size: int) -> Iterator[Sequence[Any]]:
    for start in range(0, len(values), size):
        yield values[start : start + size]


if __name__ == "__main__":
    np.random.seed(0)
    main(Path(sys.argv[1]), int(sys.argv[2]))
