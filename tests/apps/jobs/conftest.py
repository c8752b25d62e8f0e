"""A data folder of one's own, and what lies in it."""

import pytest

from unflat.apps.jobs.claims import Claims
from unflat.apps.jobs.config import JobsConfig
from unflat.apps.jobs.database import Database
from unflat.apps.jobs.files import Files
from unflat.apps.jobs.queue import Queue
from unflat.apps.jobs.storage import Storage
from unflat.apps.jobs.tables import METADATA


class Clock:
    """Time that the test moves."""

    def __init__(self):
        self.now = 1_800_000_000.0

    def __call__(self):
        return self.now


@pytest.fixture
def config(tmp_path):
    return JobsConfig(tmp_path / "data")


@pytest.fixture(params=["sqlite", "postgresql"])
def database(config, request):
    """An SQLite file; and PostgreSQL."""
    config.data.mkdir()
    url = config.database_url if request.param == "sqlite" else request.getfixturevalue("postgres_url")
    database = Database(url)
    yield database
    METADATA.drop_all(database.engine)
    database.close()


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def queue(database, clock):
    return Queue(database, clock)


@pytest.fixture
def claims(database, clock):
    return Claims(database, 30.0, clock)


@pytest.fixture
def storage(config):
    return Storage(config.storage_url)


@pytest.fixture
def files(config, database, storage):
    return Files(config, database, storage)
