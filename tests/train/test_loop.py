"""Training goes on exactly where it stopped, writes its log, and runs on several processes."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

torch = pytest.importorskip("torch", reason="training needs the extra train")
pytest.importorskip("efficientnet_lite_pytorch", reason="training needs the extra train")

from unflat.core import InputError  # noqa: E402
from unflat.train.loop import CHECKPOINT, LOG, SAMPLES, LoopOptions, averaged_weights, train  # noqa: E402
from unflat.train.shards import PackedViews  # noqa: E402
from unflat.train.single_view import SingleViewTask  # noqa: E402
from unflat.train.single_view_network import SingleViewConfig  # noqa: E402

TINY = SingleViewConfig(width=32, depth=1, heads=2, decoder=(16, 16, 16, 8), global_tokens=1)


def test_a_run_that_was_stopped_ends_where_one_in_one_go_does(packed_folder: Path, tmp_path: Path) -> None:
    views = PackedViews(packed_folder)
    task = SingleViewTask(views, size_px=32, batch_size=4, config=TINY)
    one_go = LoopOptions(tmp_path / "one", steps=4, device="cpu", mixed_precision=False)
    train(task, one_go, lambda line: None)
    for steps in (2, 4):
        pieces = LoopOptions(tmp_path / "two", steps=steps, device="cpu", mixed_precision=False)
        train(task, pieces, lambda line: None)
    views.close()
    there, here = averaged_weights(tmp_path / "one"), averaged_weights(tmp_path / "two")
    assert all(torch.equal(there[name], here[name]) for name in there)
    assert (tmp_path / "two" / SAMPLES).is_file()


def test_the_budget_of_minutes_ends_a_piece_and_leaves_a_checkpoint(packed_folder: Path, tmp_path: Path) -> None:
    views = PackedViews(packed_folder)
    train(SingleViewTask(views, 32, 2, config=TINY), LoopOptions(tmp_path, minutes=0, device="cpu"), lambda line: None)
    views.close()
    assert (tmp_path / CHECKPOINT).is_file()
    assert not (tmp_path / LOG).exists()


def test_the_loss_falls(packed_folder: Path, tmp_path: Path) -> None:
    lines: list[str] = []
    views = PackedViews(packed_folder)
    train(
        SingleViewTask(views, 32, 4, config=TINY),
        LoopOptions(tmp_path, steps=100, device="cpu", learning_rate=3e-3),
        lines.append,
    )
    views.close()
    depth = [float(line.split("depth ")[1].split()[0]) for line in lines]
    assert len(depth) == 2
    assert depth[1] < depth[0]
    assert len((tmp_path / LOG).read_text(encoding="utf-8").splitlines()) == 3


def test_two_processes_train_one_network(packed_folder: Path, tmp_path: Path) -> None:
    program = (
        "import sys; from pathlib import Path\n"
        "from unflat.train.loop import LoopOptions, train\n"
        "from unflat.train.shards import PackedViews\n"
        "from unflat.train.single_view import SingleViewTask\n"
        "from unflat.train.single_view_network import SingleViewConfig\n"
        "config = SingleViewConfig(width=32, depth=1, heads=2, decoder=(16, 16, 16, 8), global_tokens=1)\n"
        "views = PackedViews(Path(sys.argv[1]))\n"
        "train(SingleViewTask(views, 32, 2, config=config),\n"
        "      LoopOptions(Path(sys.argv[2]), steps=3, device='cpu', threads=1), print)\n"
    )
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    shared = os.environ | {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port), "WORLD_SIZE": "2"}
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", program, str(packed_folder), str(tmp_path)], env=shared | {"RANK": str(rank)}
        )
        for rank in range(2)
    ]
    assert [process.wait(timeout=120) for process in processes] == [0, 0]
    stored = torch.load(tmp_path / CHECKPOINT, weights_only=True)
    assert stored["step"] == 3


def test_weights_without_a_checkpoint_are_refused_with_advice(tmp_path: Path) -> None:
    with pytest.raises(InputError) as refused:
        averaged_weights(tmp_path)
    assert refused.value.code == "no-checkpoint"
