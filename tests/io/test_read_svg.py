"""SVG: drawn at a sensible size with its alpha; nothing outside it is touched, and no drawing hangs the reader."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pytest

from unflat.core import InputError
from unflat.io import svg as svg_module
from unflat.io.photo import read_photo

from .pictures import encoded, gzipped, svg


def code_of(markup: bytes) -> str:
    with pytest.raises(InputError) as caught:
        read_photo(markup)
    return caught.value.code


def test_a_drawing_is_rendered_with_its_alpha() -> None:
    photo = read_photo(svg())
    assert photo.width == 1024 and photo.height in (682, 683)
    assert photo.alpha is not None and photo.alpha[0, 0] == 0 and photo.alpha[341, 512] == 255
    assert photo.pixels[341, 512].tolist() == [255, 0, 0]
    area = photo.alpha.sum() / 255 / (1024 / 60) ** 2
    assert area == pytest.approx(np.pi * 15**2, rel=1e-3)


def test_the_longest_side_is_an_option() -> None:
    assert read_photo(svg(), svg_side_px=300).pixels.shape == (200, 300, 3)
    assert read_photo(svg(), max_side_px=300).pixels.shape == (200, 300, 3)
    tall = b'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 20 40"><rect width="20" height="40"/></svg>'
    assert read_photo(tall, svg_side_px=300).pixels.shape == (300, 150, 3)


def test_svgz_declarations_comments_and_prefixes_read_as_well() -> None:
    head = b'\xef\xbb\xbf<?xml version="1.0"?>\n<!-- drawn by hand -->\n'
    prefixed = (
        b'<s:svg xmlns:s="http://www.w3.org/2000/svg" width="30" height="20"><s:rect width="9" height="9"/></s:svg>'
    )
    for markup in (gzipped(svg()), head + svg(), prefixed):
        assert read_photo(markup, svg_side_px=64).alpha is not None


@pytest.mark.parametrize("href", ["{}", "file://{}", "http://example.org/x.png", "//x", "../x.png"])
@pytest.mark.parametrize("key", ["href", "xlink:href"])
def test_pictures_outside_the_drawing_are_refused(href: str, key: str, tmp_path: Path) -> None:
    secret = tmp_path / "secret.png"
    secret.write_bytes(encoded(np.full((9, 9, 3), 200, np.uint8), "PNG"))
    target = href.format(secret)
    assert code_of(svg(f'<image {key}="{target}" width="40" height="40"/>')) == "svg-external"
    disguised = "".join(f"&#{ord(letter)};" for letter in target)
    assert code_of(svg(f'<image {key}="{disguised}" width="40" height="40"/>')) == "svg-external"


def test_entities_can_neither_read_files_nor_explode() -> None:
    outside = b'<!DOCTYPE svg [<!ENTITY x SYSTEM "file:///etc/hostname">]>' + svg("<text>&x;</text>")
    assert code_of(outside) == "damaged"
    laughs = "".join(f'<!ENTITY a{i} "{f"&a{i - 1};" * 10}">' for i in range(1, 10))
    assert code_of(f'<!DOCTYPE svg [<!ENTITY a0 "ha">{laughs}]>'.encode() + svg("<text>&a9;</text>")) == "damaged"


def test_nesting_and_nested_uses_can_not_overflow() -> None:
    assert code_of(svg("<g>" * 5000 + "</g>" * 5000)) == "svg-too-complex"
    chain = "".join(f'<g id="a{i}"><use href="#a{i - 1}"/></g>' for i in range(1, 900))
    assert code_of(svg(f'<defs><g id="a0"/>{chain}</defs><use href="#a899"/>')) in ("svg-too-complex", "damaged")


def test_a_drawing_that_takes_too_long_is_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(svg_module, "_TIME_LIMIT_S", 0.5)
    blur = '<filter id="f" x="-99" y="-99" width="199" height="199"><feGaussianBlur stdDeviation="900"/></filter>'
    begun = time.perf_counter()
    assert code_of(svg(blur + '<rect width="50" height="40" filter="url(#f)"/>' * 30)) == "svg-too-complex"
    assert time.perf_counter() - begun < 5


@pytest.mark.parametrize(
    ("markup", "code"),
    [
        (svg()[:-8], "damaged"),
        (gzipped(svg())[:40], "damaged"),
        (gzipped(b"not a drawing"), "damaged"),
        (svg(""), "nothing-in-picture"),
        (b'<svg xmlns="http://www.w3.org/2000/svg" width="0" height="9"/>', "damaged"),
        (b"<html><svg></svg></html>", "not-a-picture"),
    ],
)
def test_broken_and_empty_drawings_are_refused(markup: bytes, code: str) -> None:
    assert code_of(markup) == code
