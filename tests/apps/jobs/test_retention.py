"""What is old or too much goes, what is needed stays."""

from dataclasses import replace

import pytest

from unflat.apps.jobs.queue import Queue
from unflat.apps.jobs.results import Made, key_of, publish, remove_attempt
from unflat.apps.jobs.retention import remove_job, tidy
from unflat.core.errors import InputError
from unflat.io.atomic import write_atomically

DAY_S = 86_400.0


@pytest.fixture
def done(queue, claims, storage, tmp_path, clock):
    """Makes jobs that have ended, with one file each."""

    def make(size=1000):
        queue.submit({"kind": "make", "pictures": []})
        held = claims.claim("w", "main")
        path = write_atomically(tmp_path / "out" / "cup_preview.png", b"x" * size)
        assets, total = publish(storage, held, Made([{"name": "cup", "report": None, "files": [path]}], {}))
        import json

        claims.end(held, "succeeded", assets=json.dumps(assets), bytes=total)
        clock.now += 1
        return queue.get("", held.id)

    return make


def test_results_are_shown_with_role_and_checksum(done, storage):
    job = done()
    file = job.file("cup_preview.png")
    assert (file["role"], file["format"], file["bytes"]) == ("preview", "png", 1000)
    assert b"".join(storage.read(key_of(job.id, file["attempt"], file["name"]))) == b"x" * 1000


def test_the_oldest_go_until_the_rest_fits(done, config, database, files, queue, clock):
    jobs = [done() for _ in range(4)]
    assert tidy(replace(config, keep_bytes=2500), database, files, clock.now + 1) == 2
    assert [job.id for job in queue.page("")] == [jobs[3].id, jobs[2].id]


def test_old_jobs_go_and_new_ones_stay(done, config, database, files, queue, clock, storage):
    old = done()
    clock.now += 40 * DAY_S
    new = done()
    assert tidy(config, database, files, clock.now + 1000) == 1
    assert [job.id for job in queue.page("")] == [new.id]
    with pytest.raises(InputError):
        next(storage.read(key_of(old.id, 1, "cup_preview.png")))


def test_files_that_a_waiting_job_needs_stay(config, database, files, queue, clock):
    from io import BytesIO

    from PIL import Image

    stream = BytesIO()
    Image.new("RGB", (32, 32)).save(stream, "png")
    needed, unused = (files.add("", "x.png", [stream.getvalue()]) for _ in range(2))
    queue.submit({"kind": "make", "pictures": [{"file": needed.id}]})
    tidy(config, database, files, needed.created_at + 31 * DAY_S)
    assert files.get("", needed.id)
    with pytest.raises(Exception, match="There is no file"):
        files.get("", unused.id)


def test_leftovers_of_crashes_go(config, database, files, queue):
    import os
    import time

    for folder in (config.data / "incoming" / "half", config.work / "018f0000-0000-7000-8000-000000000000"):
        folder.mkdir(parents=True)
        os.utime(folder, (time.time() - 2 * 3600,) * 2)
    tidy(config, database, files)
    assert list((config.data / "incoming").iterdir()) == [] and list(config.work.iterdir()) == []


def test_a_loser_can_not_touch_the_winners_files(done, storage, queue):
    job = done()
    late = replace(job, attempts=7)
    remove_attempt(storage, late)
    assert next(storage.read(key_of(job.id, 1, "cup_preview.png")))


def test_deleting_leaves_nothing(done, config, files, queue, storage):
    job = done()
    remove_job(config, queue, files, "", job.id)
    assert storage.keys("results") == [] and Queue.counts(queue) == {}
