"""A real server in a process of its own, with a data folder of its own, and what starts it."""

import os
import sys

import pytest

DRAFT = {"quality": "draft", "texture_px": 512}


@pytest.fixture
def command(tmp_path):
    """The command line of a server whose agents may use the test's folder."""
    data = tmp_path / "data"
    return [sys.executable, "-m", "unflat.apps.cli.main", "mcp", "--data", str(data), "--root", str(tmp_path)]


@pytest.fixture
def environment(tmp_path):
    """What the server and its worker start with."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "OMP_NUM_THREADS") if name in os.environ}
    return {**kept, "UNFLAT_CACHE": str(tmp_path / "cache")}
