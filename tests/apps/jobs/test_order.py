"""Orders: what may be said, what not, and what becomes of it."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from unflat.apps.jobs.fulfilment import marks, request_fields
from unflat.apps.jobs.order import FileRef, Order
from unflat.io.write import FORMATS
from unflat.pipeline.request import Request
from unflat.stages.check.targets import TARGETS

PICTURES = [{"file": "a"}]


@pytest.mark.parametrize(
    "wrong",
    [
        {},
        {"pictures": []},
        {"pictures": PICTURES, "colour": "red"},
        {"pictures": [{"file": "a", "url": "http://x"}]},
        {"pictures": [{"path": "/etc/passwd"}]},
        {"pictures": PICTURES, "model": {"file": "b"}},
        {"kind": "rework"},
        {"kind": "check", "model": {"file": "a"}, "pictures": PICTURES},
        {"pictures": PICTURES, "settings": {"segment.weights": "/etc/passwd"}},
        {"pictures": PICTURES, "settings": {"segment.rembg.model_path": "/etc/passwd"}},
        {"pictures": PICTURES, "settings": {"nodot": 1}},
        {"pictures": PICTURES, "settings": {"a.b": float("nan")}},
        {"pictures": PICTURES, "recipe": "../../etc/passwd"},
        {"pictures": PICTURES, "recipe": "mine.toml"},
        {"pictures": PICTURES, "box": [5, 0, 1, 1]},
        {"pictures": PICTURES, "clicks": [[1, 2, 7]]},
        {"pictures": PICTURES, "levels": 99},
        {"pictures": PICTURES, "formats": ["exe"]},
        {"pictures": PICTURES, "webhook": {"url": "ftp://x", "secret": "0123456789abcdef"}},
        {"pictures": PICTURES, "webhook": {"url": "http://x", "secret": "short"}},
    ],
)
def test_what_can_not_be_ordered(wrong):
    with pytest.raises(ValidationError):
        Order.model_validate(wrong)


def test_the_order_knows_the_same_formats_and_targets_as_the_engine():
    schema = Order.model_json_schema()
    formats = schema["properties"]["formats"]["anyOf"][0]["items"]["enum"]
    assert tuple(formats) == FORMATS
    assert schema["properties"]["target"]["enum"] == ["", *(target.name for target in TARGETS)]


def test_help_comes_from_the_engines_own_words():
    assert Order.model_fields["height"].description == 'Real height, such as "12cm".'


def test_an_order_becomes_a_request():
    order = Order(
        pictures=[FileRef(file="p")], source="photo", target="web", quality="draft", height="12cm", seed=3, faces=500,
        texture_px=512, settings={"texture.padding_px": 4}, all_objects=True, levels=1,
    )  # fmt: skip
    request = Request(**request_fields(order, lambda ref: Path(f"/in/{ref.file}.png")))
    assert request.pictures == [Path("/in/p.png")] and request.kind == "photo" and request.height == "12cm"
    assert request.settings == {"finish.decimate.faces": 500, "texture.size_px": 512, "texture.padding_px": 4}
    assert (request.quality, request.target, request.seed, request.levels) == ("draft", "web", 3, 1)


def test_marks_shrink_with_the_photo(tmp_path):
    import numpy as np
    from PIL import Image

    path = tmp_path / "large.png"
    Image.fromarray(np.zeros((100, 4096, 3), np.uint8)).save(path)
    found = marks((100.0, 20.0, 400.0, 80.0), [(200.0, 50.0, 1), (10.0, 10.0, 0)], path)
    assert found == {"segment.box": "50,10,200,40", "segment.clicks": "100,25", "segment.background_clicks": "5,5"}
