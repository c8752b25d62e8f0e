"""Masks: alpha where there is some, else brightness; soft edges kept; the photo's size or a clear refusal."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from unflat.core import InputError
from unflat.io.mask import read_mask
from unflat.io.photo import read_photo

from .pictures import encoded, exif, gradient, ramp_alpha

SIZE = (60, 40)


def test_alpha_wins_over_brightness_and_soft_edges_stay() -> None:
    mask = read_mask(encoded(np.dstack([gradient(), ramp_alpha()]), "PNG"), SIZE)
    assert np.allclose(mask.alpha, ramp_alpha() / 255) and mask.made_by == "given"


@pytest.mark.parametrize("kind", ["grey", "rgb", "1-bit", "16-bit", "float array", "bool array"])
def test_brightness_is_the_mask_where_there_is_no_alpha(kind: str) -> None:
    grey = ramp_alpha()
    source, expected = {
        "grey": (encoded(grey, "PNG"), grey / 255),
        "rgb": (encoded(np.dstack([grey] * 3), "PNG"), grey / 255),
        "1-bit": (encoded(Image.fromarray(grey > 99), "PNG"), (grey > 99) * 1.0),
        "16-bit": (grey.astype(np.uint16) * 257, grey / 255),
        "float array": (grey / 255, grey / 255),
        "bool array": (grey > 99, (grey > 99) * 1.0),
    }[kind]
    mask = read_mask(source, SIZE)
    assert np.allclose(mask.alpha, expected, atol=1e-5) and mask.alpha.max() <= 1.0


def test_a_mask_of_another_size_is_refused_with_both_sizes() -> None:
    with pytest.raises(InputError, match="60x40, the photo 40x60") as caught:
        read_mask(encoded(ramp_alpha(), "PNG"), (40, 60))
    assert caught.value.code == "size-mismatch"
    with pytest.raises(InputError):
        read_mask(encoded(ramp_alpha(80, 120), "PNG"), SIZE)


def test_a_mask_of_the_original_comes_down_with_its_photo() -> None:
    photo = read_photo(encoded(gradient(300, 451), "JPEG"), max_side_px=128)
    mask = read_mask(encoded(ramp_alpha(300, 451), "PNG"), (photo.width, photo.height), max_side_px=128)
    assert mask.alpha.shape == photo.pixels.shape[:2]
    assert np.allclose(mask.alpha[0], np.linspace(0, 1, 128), atol=0.02)


def test_a_mask_is_turned_as_its_exif_says() -> None:
    assert read_mask(encoded(ramp_alpha(), "PNG", exif=exif(orientation=6)), (40, 60)).alpha[0].max() == 0


@pytest.mark.parametrize("value", [0, 1])
def test_an_empty_mask_is_refused_and_labels_0_and_1_are_explained(value: int) -> None:
    labels = np.zeros((40, 60), np.uint8)
    labels[10:30] = value
    with pytest.raises(InputError) as caught:
        read_mask(labels, SIZE)
    assert caught.value.code == "nothing-in-picture"
    assert ("255" in caught.value.hint) == (value == 1)
