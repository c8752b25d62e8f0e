"""A folder of small pictures, and the batch run in this process' conductor with real workers."""

import json
from pathlib import Path

import pytest
from PIL import Image

from unflat.apps.batch.work import make_item

DRAFT = ("--quality", "draft", "--texture", "512")


@pytest.fixture
def shelf(tmp_path, pear):
    """Writes pictures of a pear under the names given; text for names of broken pictures."""

    def fill(*names, folder="in"):
        place = tmp_path / folder
        for number, name in enumerate(names):
            path = place / name
            path.parent.mkdir(parents=True, exist_ok=True)
            if "broken" in name:
                path.write_text("no picture")
            else:
                Image.fromarray(pear(96 + 8 * number, alpha=path.suffix == ".png")).save(path)
        return place

    return fill


class Here:
    """An engine in this process: the start of another one takes longer than a small picture."""

    def outcomes(self, tasks):
        """See `Engine`."""
        return map(make_item, tasks)


@pytest.fixture
def here():
    """That engine."""
    return Here()


@pytest.fixture
def batch(unflat, here, monkeypatch):
    """Run `unflat batch … -o out`, in this process unless workers are named; give exit status and summary."""

    def run(*arguments, out="out"):
        if "--workers" not in arguments:
            monkeypatch.setattr("unflat.apps.cli.batch._engine", lambda options: here)
        status, said, _ = unflat("batch", *arguments, "-o", out, *DRAFT, "--json")
        return status, json.loads(said)

    return run


@pytest.fixture
def record():
    """What the results say of an item."""

    def read(name, out="out"):
        return json.loads((Path(out) / name / "report.json").read_text("utf-8"))

    return read
