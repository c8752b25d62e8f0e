"""Points tracked over a draft of the surface tie photos that share few features, at the right places."""

from itertools import combinations

import cv2
import numpy as np
import pytest

pytest.importorskip("pycolmap", reason="pycolmap, which finds cameras, is not installed")

import pycolmap

from unflat.core import Camera
from unflat.geometry.cameras import pixel_rays
from unflat.stages.pose import colmap_worker
from unflat.stages.pose.colmap_job import DATABASE, PICTURES, ColmapJob, Lens
from unflat.stages.pose.colmap_mapping import loosely_tied, mapped
from unflat.stages.pose.colmap_tracking import _asked_for, _Picture, with_tracked_matches
from unflat.synth.photo_sets import PhotoSetStyle, photo_set
from unflat.synth.procedural import procedural_object

COUNT, SIZE = 12, (640, 480)


@pytest.fixture(scope="module")
def walk(tmp_path_factory):
    """Twelve photos of a stone on a plain ground, matched; their true cameras."""
    folder = tmp_path_factory.mktemp("walk")
    (folder / PICTURES).mkdir()
    style = PhotoSetStyle(views=COUNT, left_out=0, size_px=SIZE, distorted=False, faulty=False, grain=0.15)
    taken = photo_set(procedural_object(12), 0, style)
    names = tuple(f"{index:05d}.jpg" for index in range(COUNT))
    for index, name in enumerate(names):
        cv2.imwrite(str(folder / PICTURES / name), taken.photo(index).pixels[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 97])
    job = ColmapJob((Lens(*SIZE, taken.cameras[0].fx, names),), "exhaustive", names, 1500, 0, 0)
    colmap_worker._extract(folder, job, 2)
    colmap_worker._match(folder / DATABASE, job, 2)
    model = mapped(folder / DATABASE, job, 2, lambda _: None)[1]
    tracked = with_tracked_matches(folder / DATABASE, model, job, 2, lambda _: None)
    return folder / DATABASE, tracked, model, job, dict(zip(names, taken.cameras, strict=True))


def verified(database):
    """Pixels of the verified matches of each pair of pictures."""
    pairs = {}
    with pycolmap.Database.open(database) as known:
        images = {image.name: image.image_id for image in known.read_all_images()}
        for a, b in combinations(sorted(images), 2):
            if known.exists_two_view_geometry(images[a], images[b]):
                matches = np.asarray(known.read_two_view_geometry(images[a], images[b]).inlier_matches).astype(int)
                one, other = (known.read_keypoints(images[name])[:, :2].astype(float) for name in (a, b))
                pairs[a, b] = one[matches[:, 0]], other[matches[:, 1]]
    return pairs


def distances_px(cameras, pair, places):
    """How far the rays of matched pixels pass each other, in pixels of the first picture."""
    (start, one), (end, other) = (pixel_rays(cameras[name], pixels) for name, pixels in zip(pair, places, strict=True))
    across = np.cross(one, other)
    away = np.abs(np.einsum("ni,ni->n", end - start, across)) / np.linalg.norm(across, axis=1)
    depth = np.linalg.norm(cameras[pair[0]].center)
    return away / depth * cameras[pair[0]].fx


def test_neighbours_share_many_more_points(walk):
    before, after, *_, cameras = walk
    beside = [tuple(sorted((a, b))) for a, b in zip(cameras, [*list(cameras)[1:], *cameras], strict=False)]
    counts = [
        [len(pairs[pair][0]) if pair in pairs else 0 for pair in beside] for pairs in map(verified, (before, after))
    ]
    assert min(counts[1]) > 250
    assert sum(counts[1]) > 4 * sum(counts[0])


def test_tracked_points_are_the_same_place_seen_twice(walk):
    before, after, _, _, cameras = walk
    own = {}
    with pycolmap.Database.open(before) as known:
        own = {image.name: known.num_keypoints_for_image(image.image_id) for image in known.read_all_images()}
    errors = []
    with pycolmap.Database.open(after) as known:
        images = {image.name: image.image_id for image in known.read_all_images()}
        for pair in verified(after):
            matches = np.asarray(known.read_two_view_geometry(*(images[name] for name in pair)).inlier_matches).astype(
                int
            )
            new = (matches >= [own[name] for name in pair]).any(axis=1)
            places = [
                known.read_keypoints(images[name])[matches[new, side], :2].astype(float)
                for side, name in enumerate(pair)
            ]
            errors.append(distances_px(cameras, pair, places))
    errors = np.concatenate(errors)
    assert len(errors) > 2000
    assert np.median(errors) < 0.5
    assert np.quantile(errors, 0.95) < 2


def test_points_that_match_a_photo_without_a_place_are_tracked_too(walk):
    before, _, _, job, _ = walk
    placed = job.order[1:]
    with pycolmap.Database.open(before) as known:
        asked = _asked_for(known, job.order, placed)
        images = {image.name: image.image_id for image in known.read_all_images()}
        pair = images[job.order[0]], images[job.order[1]]
        matches = np.asarray(known.read_two_view_geometry(*pair).inlier_matches)
        camera = Camera(*SIZE, 500.0, 500.0, 320.0, 240.0, np.eye(4))
        anchors = _Picture(known, job.order[1], camera, asked[job.order[1]]).anchors
    assert set(matches[:, 1].tolist()) <= asked[job.order[1]] <= set(anchors.tolist())


def test_a_set_that_shares_hundreds_of_points_is_not_tracked(walk):
    before, after, _, job, _ = walk
    model = mapped(after, job, 2, lambda _: None)[1]
    assert not loosely_tied(model, after, job)
    model.deregister_frame(next(iter(model.frames)))
    assert loosely_tied(model, before, job), "a photo with matches has no place"
