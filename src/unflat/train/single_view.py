"""Training of the single-photo network: what is learned from a batch, and how it is watched and exported."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from unflat.train.export import ExportNote, export_onnx, load_shipped_weights
from unflat.train.rivals import RIVALS, rival_loss
from unflat.train.shards import PackedViews
from unflat.train.single_view_data import Batches
from unflat.train.single_view_network import SingleViewConfig, SingleViewNetwork

_SAMPLES = 12
"""Views on the sample sheet."""

_STEEPEST = 4.0
"""Neighbouring pixels with a steeper step in depth are on two surfaces."""

WEIGHTS = {
    "depth": 1.0,
    "slope": 0.05,
    "error": 0.1,
    "normal": 0.15,
    "color": 0.3,
    "filled": 0.05,
    "up": 0.5,
    "lens": 0.1,
}
"""What each part of the loss counts."""


OUTPUTS = (
    "front", "back", "front_normal", "back_normal", "back_color", "front_error", "back_error", "filled", "up",
    "tan_half_fov",
)  # fmt: skip
"""What the shipped network answers, in this order; see `unflat.nets.single_view`."""


def export_single_view(
    weights: Mapping[str, Tensor], size_px: int, file: Path, note: ExportNote, *, rival: str = ""
) -> float:
    """Write trained weights as ONNX for squares of this size; gives the largest relative difference to torch."""
    network = _kind(rival)(SingleViewConfig(pretrained=False))
    network.load_state_dict(weights)
    noise = torch.Generator().manual_seed(0)
    channels = {"image": 3, "mask": 1, "thickness": 1}
    examples = {name: torch.rand(1, count, size_px, size_px, generator=noise) for name, count in channels.items()}
    return export_onnx(network, examples, OUTPUTS, file, note)


def _kind(rival: str) -> type[SingleViewNetwork]:
    return RIVALS[rival] if rival else SingleViewNetwork


@dataclass(frozen=True)
class SingleViewTask:
    """The single-photo network on packed views. See `unflat.train.loop.Task`."""

    views: PackedViews
    size_px: int = 96
    batch_size: int = 32
    seed: int = 0
    config: SingleViewConfig = field(default_factory=SingleViewConfig)
    refresh_every: int = 500
    """Steps after which shards that have appeared since are taken in; 0 for never."""
    begin_with: Path | None = None
    """Shipped weights (ONNX) to go on from where there is no checkpoint."""
    rival: str = ""
    """Train another kind of network to compare with: a name of `unflat.train.rivals.RIVALS`."""

    def network(self) -> nn.Module:
        """The network to begin with; an untrained one says what inflation says."""
        torch.manual_seed(self.seed)
        network = _kind(self.rival)(self.config)
        if self.begin_with is not None:
            load_shipped_weights(network, self.begin_with)
        return network

    def batch(self, step: int, rank: int) -> dict[str, Tensor]:
        """The batch of a step."""
        if self.refresh_every and step % self.refresh_every == self.refresh_every - 1:
            self.views.refresh()
        return Batches(self.views, seed=self.seed).batch(step, self.batch_size, self.size_px, rank)

    def loss(self, network: nn.Module, batch: Mapping[str, Tensor]) -> tuple[Tensor, dict[str, Tensor]]:
        """The weighted sum of all parts; and each part, and the plain depth error that benchmarks feel."""
        said = network(batch["image"], batch["mask"], batch["thickness"])
        if self.rival:
            parts = rival_loss(said, batch)
            return parts["solid"], {name: value.detach() for name, value in parts.items()}
        parts = loss_parts(said, batch)
        total = torch.stack([WEIGHTS[name] * value for name, value in parts.items()]).sum()
        return total, {name: value.detach() for name, value in parts.items()}

    def sample_sheet(self, network: nn.Module, path: Path) -> None:
        """Rows of photo, true and said front, true and said back, said normals, said back colour."""
        batch = Batches(self.views, seed=self.seed + 1, augment=False).batch(0, _SAMPLES, self.size_px)
        device = next(network.parameters()).device
        with torch.no_grad():
            said = network.eval()(*(batch[name].to(device) for name in ("image", "mask", "thickness")))
        write_sample_sheet(batch, {name: value.cpu() for name, value in said.items()}, path)


def loss_parts(said: Mapping[str, Tensor], truth: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Each part of the loss, per view as large as the view's object covers pixels counts the same."""
    inside = truth["inside"]
    weight = inside / inside.sum(dim=(2, 3), keepdim=True).clamp(min=1) / len(inside)
    parts = {name: truth["front"].new_zeros(()) for name in ("depth", "slope", "error", "normal")}
    for side in ("front", "back"):
        miss = (said[side] - truth[side]).abs()
        parts["depth"] = parts["depth"] + (weight * miss).sum()
        expected = said[f"{side}_error"]
        # Laplace's likelihood, which moves the expectation alone
        parts["error"] = parts["error"] + (weight * (miss.detach() / expected + expected.log())).sum()
        parts["slope"] = parts["slope"] + _slope_miss(said[side], truth[side], weight)
        turned = 1 - (said[f"{side}_normal"] * truth[f"{side}_normal"]).sum(dim=1, keepdim=True)
        parts["normal"] = parts["normal"] + (weight * turned).sum()
    parts["color"] = (weight * (said["back_color"] - truth["back_color"]).abs()).sum()
    coarse = functional.interpolate(weight, size=truth["filled"].shape[-2:], mode="area")
    coarse = coarse / coarse.sum().clamp(min=1e-9)
    with torch.autocast(said["filled"].device.type, enabled=False):
        guess = functional.binary_cross_entropy(said["filled"].clamp(1e-4, 1 - 1e-4), truth["filled"], reduction="none")
    parts["filled"] = (coarse * guess.mean(dim=1, keepdim=True)).sum()
    parts["up"] = (1 - (said["up"] * truth["up"]).sum(dim=1)).mean()
    parts["lens"] = (said["tan_half_fov"].log() - truth["tan_half_fov"].log()).abs().mean()
    return parts


def _slope_miss(said: Tensor, truth: Tensor, weight: Tensor) -> Tensor:
    """Difference of the slopes between neighbours; where the truth jumps to another surface nothing is asked."""
    size = truth.shape[-1]
    total = said.new_zeros(())
    for axis in (2, 3):
        both = torch.minimum(weight.narrow(axis, 1, size - 1), weight.narrow(axis, 0, size - 1))
        slope, true_slope = (depth.diff(dim=axis) * (size / 2) for depth in (said, truth))
        counts = both * (true_slope.abs() < _STEEPEST)
        total = total + (counts * (slope - true_slope).abs().clamp(max=_STEEPEST)).sum()
    return total


def write_sample_sheet(truth: Mapping[str, Tensor], said: Mapping[str, Tensor], path: Path) -> None:
    """A picture to look at while the network learns."""

    def depth(values: Tensor) -> np.ndarray:
        shown = np.clip((1.2 - values.numpy()[0]) / 2.4, 0, 1) * inside[..., None][..., 0]
        return np.repeat(shown[..., None], 3, axis=2)

    rows = []
    for index in range(len(truth["image"])):
        inside = truth["inside"][index, 0].numpy()
        pictures = [truth["image"][index].numpy().transpose(1, 2, 0)]
        for side in ("front", "back"):
            pictures += [depth(truth[side][index]), depth(said[side][index])]
        for side in ("front_normal", "back_normal"):
            for source in (truth, said):
                pictures.append((source[side][index].numpy().transpose(1, 2, 0) + 1) / 2 * inside[..., None])
        for source in (truth, said):
            pictures.append(source["back_color"][index].numpy().transpose(1, 2, 0) * inside[..., None])
        rows.append(np.hstack(pictures))
    half = len(rows) // 2
    sheet = np.vstack([np.hstack([rows[i], rows[i + half]]) for i in range(half)])
    cv2.imwrite(str(path), np.clip(sheet[..., ::-1] * 255, 0, 255).astype(np.uint8))
