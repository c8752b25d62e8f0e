"""From trained weights to what ships: an ONNX file with half-precision weights, and its card."""

from __future__ import annotations

import hashlib
import json
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from unflat.core import StageFailed

_SMALLEST_HALVED = 256
"""Tensors with fewer numbers stay in full precision: they weigh nothing, and normalisation feels them."""
_PREFIX, _HALF = "network.", "_half"
"""How weights are called in the file: the module's name before the exported network's, the mark of halves behind."""
_LARGEST_DIFFERENCE = 0.01


@dataclass(frozen=True)
class ExportNote:
    """What the card says beyond the file itself."""

    name: str
    source: str
    """How and from what the weights were trained."""
    licence: str = "Apache-2.0"


def export_onnx(
    network: nn.Module, examples: dict[str, Tensor], outputs: tuple[str, ...], file: Path, note: ExportNote
) -> float:
    """Write the network for inputs of the examples' sizes, check it against torch, write ``.json`` beside it.

    Gives the largest difference of any output relative to that output's size. Raises `StageFailed`
    (``export-differs``) where halved weights change an answer by more than a hundredth; nothing is then written.
    """
    import onnx

    network = network.eval()
    partial = file.with_suffix(".partial")
    with torch.no_grad(), warnings.catch_warnings():
        # torch's exporter warns of its own use of torch
        warnings.simplefilter("ignore", FutureWarning)
        truth = network(*examples.values())
        program = torch.onnx.export(
            _Ordered(network, outputs).eval(), tuple(examples.values()), input_names=list(examples),
            output_names=list(outputs), dynamo=True, optimize=False, verbose=False,
        )  # fmt: skip
    assert program is not None
    model = program.model_proto
    _plain_casts(model)
    _halve_weights(model)
    onnx.checker.check_model(model)
    partial.write_bytes(model.SerializeToString())
    difference = _difference(partial, examples, {name: truth[name] for name in outputs})
    if difference > _LARGEST_DIFFERENCE:
        partial.unlink()
        raise StageFailed(
            f"The exported network differs from the trained one by {difference:.1%}.",
            code="export-differs",
            hint="Train a little longer: a network with huge weights can't be halved.",
        )
    partial.replace(file)
    content = file.read_bytes()
    card = {
        "name": note.name,
        "file": file.name,
        "sha256": hashlib.sha256(content).hexdigest(),
        "bytes": len(content),
        "licence": note.licence,
        "source": note.source,
    }
    file.with_suffix(".json").write_text(json.dumps(card, indent=2) + "\n", encoding="utf-8")
    return difference


def load_shipped_weights(network: nn.Module, file: Path) -> None:
    """Take the weights of an exported file into the network, to train on from.

    Normalisation is not folded into convolutions in the file, so that nothing is lost but the halves' rounding.
    """
    import onnx
    from onnx import numpy_helper

    found = {tensor.name: numpy_helper.to_array(tensor) for tensor in onnx.load(file).graph.initializer}
    state = network.state_dict()
    for name in state:
        values = found.get(_PREFIX + name, found.get(_PREFIX + name + _HALF))
        if values is not None:
            state[name] = torch.from_numpy(values.astype(np.float32))
    network.load_state_dict(state)


class _Ordered(nn.Module):
    """The network with its outputs as a tuple, in the order that the file lists."""

    def __init__(self, network: nn.Module, outputs: tuple[str, ...]) -> None:
        super().__init__()
        self.network, self.outputs = network, outputs

    def forward(self, *inputs: Tensor) -> tuple[Tensor, ...]:
        said = self.network(*inputs)
        return tuple(said[name] for name in self.outputs)


def _plain_casts(model: Any) -> None:
    """Casts to the type of another value become casts to that type by name, which the runtime can fold away."""
    import onnx
    from onnx import helper

    graph = onnx.shape_inference.infer_shapes(model).graph
    kinds = {tensor.name: tensor.data_type for tensor in graph.initializer}
    kinds |= {
        value.name: value.type.tensor_type.elem_type for value in (*graph.input, *graph.output, *graph.value_info)
    }
    for node in model.graph.node:
        if node.op_type == "CastLike":
            node.CopyFrom(helper.make_node("Cast", node.input[:1], node.output, to=kinds[node.input[1]]))


def _halve_weights(model: Any) -> None:
    """Store large weights as float16; a cast behind each, which the runtime does once when it loads."""
    from onnx import TensorProto, helper, numpy_helper

    graph = model.graph
    casts = []
    for index, tensor in enumerate(graph.initializer):
        if tensor.data_type != TensorProto.FLOAT or np.prod(tensor.dims) < _SMALLEST_HALVED:
            continue
        name = tensor.name
        halved = numpy_helper.from_array(numpy_helper.to_array(tensor).astype(np.float16), name + _HALF)
        graph.initializer[index].CopyFrom(halved)
        casts.append(helper.make_node("Cast", [name + _HALF], [name], to=TensorProto.FLOAT))
    for cast in reversed(casts):
        graph.node.insert(0, cast)


def _difference(file: Path, examples: dict[str, Tensor], truth: dict[str, Tensor]) -> float:
    import onnxruntime

    session = onnxruntime.InferenceSession(file.read_bytes(), providers=["CPUExecutionProvider"])
    answers = session.run(list(truth), {name: value.numpy() for name, value in examples.items()})
    worst = 0.0
    for expected, answer in zip(truth.values(), answers, strict=True):
        size = max(float(expected.abs().max()), 1e-3)
        worst = max(worst, float(np.abs(expected.numpy() - answer).mean()) / size)
    return worst
