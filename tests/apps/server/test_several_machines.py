"""Several machines, each a process with its own folder: they share PostgreSQL and an object store, nothing else."""

import contextlib
import os
import signal
import subprocess
import sys

import pytest

import unflat

moto = pytest.importorskip("moto.server", reason="moto[server], the stand-in for an object store, is not installed")
s3fs = pytest.importorskip("s3fs", reason="the extra “s3” is not installed")


@pytest.fixture(scope="module")
def store():
    """An object store on this machine, and what makes programs use it."""
    server = moto.ThreadedMotoServer(port=0)
    server.start()
    host, port = server.get_host_and_port()
    environment = {
        "AWS_ENDPOINT_URL": f"http://{host}:{port}", "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "us-east-1",
    }  # fmt: skip
    with pytest.MonkeyPatch.context() as patch:
        for name, value in environment.items():
            patch.setenv(name, value)
        s3fs.S3FileSystem().mkdir("models")
        yield "s3://models/jobs"
    server.stop()


@contextlib.contextmanager
def worker(folder, *shared):
    """`unflat worker` on another machine."""
    command = [sys.executable, "-m", "unflat.apps.cli.main", "worker", "--data", str(folder), "--workers", "1", *shared]
    environment = os.environ | {"OMP_NUM_THREADS": "1", "UNFLAT_CACHE": str(folder / "cache")}
    process = subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL)
    try:
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(60)


@pytest.mark.slow
def test_one_takes_orders_another_does_them_a_third_goes_on(serve, postgres_url, store, picture, tmp_path):
    shared = ("--database", postgres_url, "--storage", store)
    door = serve(*shared, workers=0)
    with worker(tmp_path / "one", *shared, "--lease", "4") as first:
        done = door.wait(door.order(picture)["id"])
        assert done["state"] == "succeeded", done
        late = door.order(picture, recipe="photo-draft", settings={})["id"]
        door.wait(late, states=("running",))
        first.kill()
        with worker(tmp_path / "two", *shared):
            again = door.wait(late)
    assert again["state"] == "succeeded" and again["attempts"] == 2
    for job in (done, again):
        file = next(file for file in job["assets"][0]["files"] if file["format"] == "glb")
        (tmp_path / "model.glb").write_bytes(door.http.get(file["url"]).content)
        assert unflat.check(unflat.load(tmp_path / "model.glb")).watertight
    assert len(s3fs.S3FileSystem().glob(f"{store}/results/**/*.glb")) == 2
    assert not list((tmp_path / "served").rglob("*.glb"))
