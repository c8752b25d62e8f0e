"""Real photos and drawings from phones, cameras and galleries; skipped where their folder is missing."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pytest

from unflat.io.photo import read_photo

from .pictures import encoded

SHARED = Path(__file__).parents[3] / "shared"
PICTURES = sorted(
    path
    for folder in ("photos", "drawings", "photosets/banana/images", "photosets/skull/images")
    for path in (SHARED / folder).glob("*.[jp][pn]g")
)


@pytest.mark.skipif(not PICTURES, reason="the shared pictures are not here")
def test_all_shared_pictures_are_read() -> None:
    photos = {path.name: read_photo(path, max_side_px=512) for path in PICTURES}
    assert len(photos) >= 60
    assert photos["garlic.png"].height > photos["garlic.png"].width  # a phone photo, turned by EXIF
    assert photos["triposr_chair.png"].alpha is not None and photos["triposr_marble.jpg"].alpha is None
    # 60 mm equivalent by the banana's EXIF; structure from motion finds about 1.67 times the width.
    banana = photos["DSC_0423.jpg"]
    assert banana.focal_px is not None and banana.focal_px / banana.width == pytest.approx(1.67, rel=0.03)


def test_twelve_megapixels_are_read_well_under_half_a_second() -> None:
    y, x = np.mgrid[0:3000, 0:4000]
    noise = np.random.default_rng(0).integers(0, 40, (3000, 4000))
    data = encoded(np.dstack([(x // 16 + noise) % 256, (y // 12 + noise) % 256, noise]).astype(np.uint8), "JPEG")
    seconds = []
    for _ in range(3):
        begun = time.perf_counter()
        assert read_photo(data, max_side_px=1024).width == 1024
        seconds.append(time.perf_counter() - begun)
    assert min(seconds) < 1.0  # 0.1 s on an idle machine; tests run on busy ones
