"""Pictures to run the command line on, and a cache of its own."""

import os
import tempfile
import warnings

import numpy as np
import pytest
from PIL import Image

from unflat.apps.cli.main import main


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("UNFLAT_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)


@pytest.fixture(scope="session")
def postgres_url(tmp_path_factory):
    """A PostgreSQL of our own on this machine, or the one that UNFLAT_TEST_DATABASE names."""
    if "UNFLAT_TEST_DATABASE" in os.environ:
        yield os.environ["UNFLAT_TEST_DATABASE"]
        return
    pytest.importorskip("pg8000", reason="the extra “postgres” is not installed")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        pgserver = pytest.importorskip("pgserver", reason="pgserver, a PostgreSQL from pip, is not installed")
        # sockets have short names only
        folder = tempfile.mkdtemp(prefix="pg")
        server = pgserver.get_server(folder, cleanup_mode="delete")
    yield f"postgresql+pg8000://postgres@/postgres?unix_sock={folder}/.s.PGSQL.5432"
    server.cleanup()


def draw_pear(side=160, alpha=True):
    """A shaded pear, cut out or on white."""
    v, u = np.mgrid[0:side, 0:side] / side
    inside = ((u - 0.5) / 0.28) ** 2 + ((v - 0.62) / 0.28) ** 2 < 1
    inside |= ((u - 0.5) / 0.15) ** 2 + ((v - 0.33) / 0.2) ** 2 < 1
    shade = (0.55 + 0.45 * np.clip(1.2 - u - 0.3 * v, 0, 1))[..., None]
    color = np.uint8(shade * [200, 180, 60])
    pixels = np.where(inside[..., None], color, 255).astype(np.uint8)
    return np.dstack([pixels, np.uint8(inside * 255)]) if alpha else pixels


@pytest.fixture
def pear():
    return draw_pear


@pytest.fixture
def photo(tmp_path):
    path = tmp_path / "pear.png"
    Image.fromarray(draw_pear()).save(path)
    return path


@pytest.fixture
def unflat(capsys):
    """Run the command line in this process; give exit status, stdout and stderr. No error may leave as a traceback."""

    def run(*arguments):
        status = main([str(argument) for argument in arguments])
        out, err = capsys.readouterr()
        assert "Traceback" not in out + err
        return status, out, err

    return run
