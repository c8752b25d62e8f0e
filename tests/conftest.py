"""What tests of several rooms share: where compiled kernels lie, and a tiny network that answers with the inflation."""

from __future__ import annotations

import hashlib
import json
import os
import re
from pathlib import Path

import numpy as np
import pytest

_HOUSE = Path(__file__).resolve().parents[1]


def _digest_of_kernels() -> str:
    kernels = ("lanes.py", "patch_costs.py", "patch_match.py")
    return hashlib.sha256(
        b"".join((_HOUSE / "src/unflat/geometry" / name).read_bytes() for name in kernels)
    ).hexdigest()


# Numba looks only at the file of a kernel, not at the files of what it calls: stale code would be tested.
os.environ.setdefault("NUMBA_CACHE_DIR", str(_HOUSE / ".cache" / f"numba-{_digest_of_kernels()[:16]}"))


@pytest.fixture(scope="session")
def inflating_weights(tmp_path_factory):
    """Weights that fit `unflat.nets.single_view`: an object is as thick as its inflation, seen level from the front."""
    pytest.importorskip("onnx", reason="onnx, which builds the tiny network, is not installed")
    folder = tmp_path_factory.mktemp("inflating")
    save_inflating_network(folder, size_px=96)
    return folder


@pytest.fixture
def saved_network():
    """Writes such a network with other answers into a folder."""
    pytest.importorskip("onnx", reason="onnx, which builds the tiny network, is not installed")
    return save_inflating_network


def save_inflating_network(folder, size_px=96, up=(0.0, -1.0, 0.0), tangent=0.2, error=0.05):
    """Front and back are minus and plus the thickness, normals its slopes."""
    from onnx import TensorProto, helper, numpy_helper

    slope = np.zeros((2, 1, 3, 3), np.float32)
    slope[0, 0, 1, [0, 2]] = slope[1, 0, [0, 2], 1] = -size_px / 4, size_px / 4
    plane = (1, 1, size_px, size_px)
    constants = {
        "slope": slope,
        "towards": np.full(plane, -1, np.float32),
        "away": np.ones(plane, np.float32),
        "front_error": np.full(plane, error, np.float32),
        "back_error": np.full(plane, 2 * error, np.float32),
        "filled": np.ones((1, 16, size_px // 8, size_px // 8), np.float32),
        "up": np.array([up], np.float32),
        "tan_half_fov": np.array([tangent], np.float32),
    }
    nodes = [
        helper.make_node("Neg", ["thickness"], ["front"]),
        helper.make_node("Identity", ["thickness"], ["back"]),
        helper.make_node("Conv", ["thickness", "slope"], ["rise"], pads=[1, 1, 1, 1]),
        helper.make_node("Neg", ["rise"], ["fall"]),
        helper.make_node("Concat", ["fall", "towards"], ["front_normal"], axis=1),
        helper.make_node("Concat", ["fall", "away"], ["back_normal"], axis=1),
        helper.make_node("Identity", ["image"], ["back_color"]),
        helper.make_node("Identity", ["mask"], ["ignored"]),
    ]
    nodes += [helper.make_node("Identity", [name + "_value"], [name]) for name in list(constants)[3:]]
    held = [
        numpy_helper.from_array(value, name + "_value" * (at > 2)) for at, (name, value) in enumerate(constants.items())
    ]
    gives = ("front", "back", "front_normal", "back_normal", "back_color", "front_error", "back_error",
             "filled", "up", "tan_half_fov")  # fmt: skip
    graph = helper.make_graph(
        nodes,
        "inflating",
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, (1, channels, size_px, size_px))
         for name, channels in (("image", 3), ("mask", 1), ("thickness", 1))],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in gives],
        held,
    )  # fmt: skip
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    model.ir_version = 9
    content = model.SerializeToString()
    (folder / "single_view.onnx").write_bytes(content)
    told = {
        "name": "inflating",
        "file": "single_view.onnx",
        "sha256": hashlib.sha256(content).hexdigest(),
        "bytes": len(content),
        "licence": "Apache-2.0",
        "source": "written by hand",
    }
    (folder / "single_view.json").write_text(json.dumps(told), encoding="utf-8")


@pytest.fixture
def resident_bytes():
    """Tells how much of the files in a folder this process holds in memory, by what it has mapped of them."""
    table = Path("/proc/self/smaps")
    if not table.exists():
        pytest.skip("this system does not tell which pages are in memory")

    def resident(folder):
        total, inside = 0, False
        for line in table.read_text().splitlines():
            if re.match(r"[0-9a-f]+-[0-9a-f]+ ", line):
                inside = str(folder) in line
            elif inside and line.startswith("Rss:"):
                total += 1024 * int(line.split()[1])
        return total

    return resident
