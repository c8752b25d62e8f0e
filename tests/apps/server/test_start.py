"""Starting: light, honest about what is missing, and through the real command line."""

import subprocess
import sys

import pytest

from unflat.apps.jobs.extras import need_server_extra
from unflat.core.errors import SetupError

HEAVY = {"cv2", "scipy", "skimage", "numba", "onnxruntime", "trimesh", "torch", "pycolmap", "embreex", "xatlas"}
SERVER_ONLY = {"fastapi", "sqlalchemy", "uvicorn", "mcp", "ray", "fsspec", "pydantic"}


def modules_after(code):
    """Top-level modules that are loaded after some code, in a process of its own."""
    told = subprocess.run(
        [sys.executable, "-c", f"{code}\nimport sys\nprint(*{{name.split('.')[0] for name in sys.modules}})"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    return set(told.stdout.split())


def test_the_server_loads_no_engine_at_its_start(tmp_path):
    loaded = modules_after(
        "from pathlib import Path\n"
        "from unflat.apps.jobs.config import JobsConfig\n"
        "from unflat.apps.server.app import create_app\n"
        "from unflat.apps.server.settings import ServerSettings\n"
        f"create_app(ServerSettings(JobsConfig(Path({str(tmp_path)!r}))))"
    )
    assert not loaded & HEAVY


def test_other_commands_load_no_server():
    code = "import unflat, unflat.apps.cli.main as m\nm.main(['recipe', 'list'])\nm.main(['--version'])"
    assert not modules_after(code) & SERVER_ONLY


def test_a_missing_extra_is_told_with_the_line_that_installs_it():
    with pytest.raises(SetupError) as missing:
        need_server_extra("no_such_module")
    assert missing.value.code == "missing-extra" and "unflat[server]" in missing.value.hint


def test_tokens_are_made_listed_and_revoked(unflat, tmp_path):
    data = ("--data", tmp_path / "data")
    status, secret, _ = unflat("token", "create", "shop", "--prefix", "tsk_", *data)
    assert status == 0 and secret.startswith("tsk_") and len(secret.strip()) == 68
    _, listed, _ = unflat("token", "list", *data)
    assert "shop" in listed and secret.strip() not in listed
    assert unflat("token", "revoke", "shop", *data)[0] == 0
    assert "revoked" in unflat("token", "list", *data)[1]
    status, _, error = unflat("token", "revoke", "shop", *data)
    assert status == 2 and "not-found" in error


def test_a_port_that_is_taken_is_told(unflat, serve):
    server = serve(workers=0)
    port = server.url.rsplit(":", 1)[1]
    status, _, error = unflat("serve", "--port", port, "--data", "elsewhere")
    assert status == 4 and "port-in-use" in error
    assert server.http.get("/ready").status_code == 503


def test_workers_of_another_process_do_the_work(serve, picture, tmp_path):
    server = serve(workers=0)
    job = server.order(picture)
    command = [sys.executable, "-m", "unflat.apps.cli.main", "worker", "--data", str(tmp_path / "served")]
    worker = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        assert server.wait(job["id"])["state"] == "succeeded"
        assert server.http.get("/ready").json()["workers"] == 1
    finally:
        worker.terminate()
        worker.communicate(timeout=30)
    assert worker.returncode == 0


@pytest.mark.parametrize(
    ("options", "code"),
    [(["--database", "mysql://x/y"], "bad-database"), (["--storage", "nonsense://x"], "bad-storage"),
     (["--database", "sqlite:////nowhere/at/all.sqlite"], "database-unreachable")],
)  # fmt: skip
def test_places_that_do_not_exist_are_told(unflat, options, code):
    status, _, error = unflat("serve", "--port", "0", "--data", "d", *options)
    assert status == 4 and code in error
