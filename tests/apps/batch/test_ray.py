"""The engine on Ray: a local cluster of two nodes, each with one core."""

import json
import subprocess
import sys
from pathlib import Path

import pyarrow.parquet as parquet
import pytest

cluster_utils = pytest.importorskip("ray.cluster_utils", reason="ray is missing: pip install .[ray]")

UNFLAT = (sys.executable, "-m", "unflat.apps.cli.main", "batch", "in", "-o", "out", "--json")
DRAFT = ("--quality", "draft", "--texture", "512")
_STORE_BYTES = 80_000_000


@pytest.fixture
def cluster(monkeypatch):
    """Two nodes; gives the address."""
    monkeypatch.setenv("RAY_USAGE_STATS_ENABLED", "0")
    node = {"num_cpus": 1, "object_store_memory": _STORE_BYTES}
    running = cluster_utils.Cluster(initialize_head=True, head_node_args={**node, "include_dashboard": False})
    try:
        running.add_node(**node)
        yield running.address
    finally:
        running.shutdown()


@pytest.mark.slow
def test_two_nodes_share_the_work_and_a_bad_photo_stops_nothing(shelf, cluster):
    shelf("a.png", "b.png", "broken.png", "c.png")
    line = (*UNFLAT, "--engine", "ray", "--address", cluster, *DRAFT)
    done = subprocess.run(line, capture_output=True, text=True, check=False)
    told = json.loads(done.stdout)
    assert done.returncode == 2, done.stderr
    assert (told["made"], told["failures"]) == (3, {"not-a-picture": 1})
    rows = parquet.read_table("out/report.parquet").to_pylist()
    assert [row["state"] for row in rows] == ["made", "made", "failed", "made"]
    workers = {json.loads(Path(f"out/{name}/report.json").read_text("utf-8"))["by"] for name in "abc"}
    assert len(workers) == 2, "one process on each node"
    again = subprocess.run(line, capture_output=True, text=True, check=False)
    assert json.loads(again.stdout)["this_run"] == 0


def test_a_cluster_that_is_not_there_is_told(shelf):
    shelf("a.png")
    line = (*UNFLAT, "--engine", "ray", "--address", "127.0.0.1:1")
    done = subprocess.run(line, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 4
    assert json.loads(done.stdout)["error"]["code"] == "ray-unreachable"
