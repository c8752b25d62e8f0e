"""A mask network of two nodes: what is bright is the object, and the quality is always the same."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import onnx
from onnx import TensorProto, helper


def write_bright_is_object(folder: Path, quality: float = 0.9, side: int = 64) -> Path:
    constant = helper.make_tensor("quality_value", TensorProto.FLOAT, [1], [quality])
    level = helper.make_tensor("level", TensorProto.FLOAT, [1], [0.5])
    steep = helper.make_tensor("steep", TensorProto.FLOAT, [1], [40.0])
    nodes = [
        helper.make_node("ReduceMean", ["image"], ["grey"], axes=[1], keepdims=1),
        helper.make_node("Sub", ["grey", "level"], ["above"]),
        helper.make_node("Mul", ["above", "steep"], ["logit"]),
        helper.make_node("Sigmoid", ["logit"], ["alpha"]),
        helper.make_node("Identity", ["quality_value"], ["quality"]),
    ]
    graph = helper.make_graph(
        nodes,
        "bright",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, [1, 3, side, side])],
        [
            helper.make_tensor_value_info("alpha", TensorProto.FLOAT, [1, 1, side, side]),
            helper.make_tensor_value_info("quality", TensorProto.FLOAT, [1]),
        ],
        [constant, level, steep],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    content = model.SerializeToString()
    (folder / "mask.onnx").write_bytes(content)
    card = {
        "name": "bright",
        "file": "mask.onnx",
        "sha256": hashlib.sha256(content).hexdigest(),
        "bytes": len(content),
        "licence": "Apache-2.0",
        "source": "made for a test",
    }
    (folder / "mask.json").write_text(json.dumps(card), encoding="utf-8")
    assert onnx.load_from_string(content).graph.name == "bright"
    return folder
