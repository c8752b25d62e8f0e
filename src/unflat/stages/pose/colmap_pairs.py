"""What COLMAP's database says of pairs of pictures after matching and verification."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pycolmap
from jaxtyping import Float64

from unflat.stages.pose.colmap_job import ColmapJob
from unflat.stages.pose.turning import PicturePair, only_turned

_TURN_SHARE = 0.95
"""Of the matches, in pairs that a plane or a turn of the camera explains: then the photos hold nothing else."""


@dataclass(frozen=True, eq=False)
class VerifiedPair:
    """Two pictures that match."""

    first: str
    second: str
    matches: int
    homography: Float64[np.ndarray, "3 3"] | None
    """Second from first, where a single plane or a turn of the camera explains the matches."""


def two_view_geometries(known: Any) -> list[tuple[int, int, Any]]:
    """Numbers of the pictures, the smaller first, and geometry of all pairs in an open database, in order.

    Read at once: to ask for each pair of 300 pictures whether it is there takes longer than to read what there is.
    """
    numbers, geometries = known.read_two_view_geometries()
    pairs = [pycolmap.pair_id_to_image_pair(number) for number in numbers]
    found = [(*pair, geometry) for pair, geometry in zip(pairs, geometries, strict=True)]
    return sorted(found, key=lambda one: one[:2])


def verified_pairs(database: Path) -> list[VerifiedPair]:
    """All pairs with matches, in the order of the pictures."""
    kinds: Any = pycolmap.TwoViewGeometryConfiguration
    flat = (kinds.PLANAR, kinds.PANORAMIC, kinds.PLANAR_OR_PANORAMIC)
    pairs = []
    with pycolmap.Database.open(database) as known:
        names = {image.image_id: image.name for image in known.read_all_images()}
        for first, second, geometry in two_view_geometries(known):
            if count := len(geometry.inlier_matches):
                homography = np.asarray(geometry.H, np.float64) if geometry.config in flat else None
                pairs.append(VerifiedPair(names[first], names[second], count, homography))
    return pairs


def is_turn(pairs: list[VerifiedPair], job: ColmapJob) -> bool:
    """Whether (almost) all that the pictures share is what a camera sees that turns on the spot, or stands still."""
    lens_of = {name: lens for lens in job.lenses for name in lens.pictures}
    flat = []
    for pair in pairs:
        if pair.homography is not None:
            lenses = lens_of[pair.first], lens_of[pair.second]
            sizes = (lenses[0].width, lenses[0].height), (lenses[1].width, lenses[1].height)
            flat.append(PicturePair(pair.homography, sizes, (lenses[0].focal_px, lenses[1].focal_px), pair.matches))
    enough = sum(pair.matches for pair in flat) >= _TURN_SHARE * sum(pair.matches for pair in pairs)
    return enough and only_turned(flat)
