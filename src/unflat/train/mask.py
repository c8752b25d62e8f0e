"""The mask network: a small salient-object network, what it learns from a batch, and how it is watched.

A pyramid decoder on the pretrained encoder, with a little attention at its top so that the whole picture decides what
the object is (as in PoolNet, Liu et al. 2019); losses after F3Net (Wei et al. 2020): edges count more, and the overlap
of the whole counts beside each pixel. It also says how well it thinks it did, which is what refusals are made of.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from unflat.train.depthwise import depthwise, hasten_depthwise
from unflat.train.encoder import CHANNELS, Encoder
from unflat.train.export import ExportNote, export_onnx, load_shipped_weights
from unflat.train.mask_data import MaskBatches, PackedMasks

_SAMPLES = 24
_FROZEN_BLOCKS = 3
"""Blocks of the encoder that stay as ImageNet left them: edges and colours are the same, and half the cost is saved."""
_EDGE_WEIGHT = 4.0
"""A pixel amid an edge counts this much more than one far from it."""
_EDGE_REACH = 1 / 16
"""Side of the neighbourhood in which there must be both object and background, as a share of the picture's."""
_COARSE_WEIGHT, _QUALITY_WEIGHT = 0.3, 0.2
"""What the guesses at coarser strides and the network's own judgement count."""


@dataclass(frozen=True)
class MaskConfig:
    """Sizes of the network."""

    width: int = 128
    """Channels at stride 32."""
    depth: int = 2
    """Layers of attention there."""
    heads: int = 4
    decoder: tuple[int, int, int, int] = (96, 64, 48, 16)
    """Channels at strides 16, 8, 4, 2."""
    pretrained: bool = True


class MaskNetwork(nn.Module):
    """From a picture (n, 3, h, w) of sRGB 0..1, sides multiples of 32, to the logits of its mask and the quality's."""

    def __init__(self, config: MaskConfig | None = None) -> None:
        super().__init__()
        config = config or MaskConfig()
        self.encoder = Encoder(pretrained=config.pretrained, deepest=32)
        hasten_depthwise(self.encoder.blocks)
        self.top = nn.Conv2d(CHANNELS[32], config.width, 1)
        self.context = nn.ModuleList(_Context(config.width, config.heads) for _ in range(config.depth))
        d16, d8, d4, d2 = config.decoder
        self.up16 = _Merge(config.width, CHANNELS[16], d16)
        self.up8 = _Merge(d16, CHANNELS[8], d8)
        self.up4 = _Merge(d8, CHANNELS[4], d4)
        self.up2 = _Merge(d4, CHANNELS[2], d2)
        self.coarse = nn.ModuleList([nn.Conv2d(d16, 1, 1), nn.Conv2d(d8, 1, 1)])
        self.mask = nn.Conv2d(d2, 1, 3, padding=1)
        self.quality = nn.Linear(config.width, 1)
        for layer in (self.encoder.stem, self.encoder.stem_norm, *self.encoder.blocks[:_FROZEN_BLOCKS]):
            layer.requires_grad_(False)

    def train(self, mode: bool = True) -> MaskNetwork:
        """As usual, but the frozen layers keep the statistics that they came with."""
        super().train(mode)
        for layer in (self.encoder.stem_norm, *self.encoder.blocks[:_FROZEN_BLOCKS]):
            layer.eval()
        return self

    def forward(self, image: Tensor) -> dict[str, Tensor]:
        """``mask`` (n, 1, h, w), ``quality`` (n,), and ``coarse16`` and ``coarse8``; all are logits."""
        features = self.encoder(image)
        x = self.top(features[32])
        for layer in self.context:
            x = layer(x)
        quality = self.quality(x.mean(dim=(2, 3)))[:, 0]
        x16 = self.up16(x, features[16])
        x8 = self.up8(x16, features[8])
        x2 = self.up2(self.up4(x8, features[4]), features[2])
        mask = functional.interpolate(self.mask(x2), scale_factor=2, mode="bilinear", align_corners=False)
        return {"mask": mask, "quality": quality, "coarse16": self.coarse[0](x16), "coarse8": self.coarse[1](x8)}


class _Context(nn.Module):
    """Looks around nearby (a wide depthwise convolution, which also tells places apart), then everywhere."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.near = depthwise(width, 5)
        self.norm, self.second_norm = nn.LayerNorm(width), nn.LayerNorm(width)
        self.ask, self.answer = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.think = nn.Sequential(nn.Linear(width, 2 * width), nn.GELU(), nn.Linear(2 * width, width))

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.near(x)
        width, rows, columns = x.shape[1:]
        tokens = x.flatten(2).transpose(1, 2)
        query, key, value = (
            part.unflatten(-1, (self.heads, width // self.heads)).transpose(1, 2)
            for part in self.ask(self.norm(tokens)).chunk(3, dim=-1)
        )
        seen = (query @ key.transpose(-1, -2) * (width // self.heads) ** -0.5).softmax(dim=-1) @ value
        tokens = tokens + self.answer(seen.transpose(1, 2).flatten(2))
        tokens = tokens + self.think(self.second_norm(tokens))
        return tokens.transpose(1, 2).unflatten(2, (rows, columns))


class _Merge(nn.Module):
    """What came from below, enlarged twice, with the encoder's features of the same stride."""

    def __init__(self, below: int, beside: int, out: int) -> None:
        super().__init__()
        self.below, self.beside = nn.Conv2d(below, out, 1), nn.Conv2d(beside, out, 1, bias=False)
        self.norm = nn.BatchNorm2d(out)
        self.mix = nn.Sequential(nn.Conv2d(out, out, 3, padding=1, bias=False), nn.BatchNorm2d(out), nn.ReLU())

    def forward(self, below: Tensor, beside: Tensor) -> Tensor:
        larger = functional.interpolate(self.below(below), scale_factor=2, mode="bilinear", align_corners=False)
        mixed: Tensor = self.mix(functional.relu(larger + self.norm(self.beside(beside))))
        return mixed


@dataclass(frozen=True)
class MaskTask:
    """The mask network on packed views. See `unflat.train.loop.Task`."""

    views: PackedMasks
    size_px: int = 160
    batch_size: int = 16
    seed: int = 0
    config: MaskConfig = MaskConfig()
    refresh_every: int = 200
    """Steps after which shards that have appeared since are taken in; 0 for never."""
    begin_with: Path | None = None
    """Shipped weights (ONNX) to go on from where there is no checkpoint."""

    def network(self) -> nn.Module:
        """The network to begin with."""
        torch.manual_seed(self.seed)
        network = MaskNetwork(self.config)
        if self.begin_with is not None:
            load_shipped_weights(MaskAnswers(network), self.begin_with)
        return network

    def batch(self, step: int, rank: int) -> dict[str, Tensor]:
        """The batch of a step."""
        if self.refresh_every and step % self.refresh_every == self.refresh_every - 1:
            self.views.refresh()
        return MaskBatches(self.views, seed=self.seed).batch(step, self.batch_size, self.size_px, rank)

    def loss(self, network: nn.Module, batch: Mapping[str, Tensor]) -> tuple[Tensor, dict[str, Tensor]]:
        """The weighted sum of all parts; and the parts, and the mean IoU of the views with an object."""
        said, alpha = network(batch["image"]), batch["alpha"]
        with torch.autocast(alpha.device.type, enabled=False):
            parts = mask_loss({name: value.float() for name, value in said.items()}, alpha)
        total = parts["edge"] + parts["overlap"] + _COARSE_WEIGHT * parts["coarse"] + _QUALITY_WEIGHT * parts["quality"]
        return total, {name: value.detach() for name, value in parts.items()}

    def sample_sheet(self, network: nn.Module, path: Path) -> None:
        """Photo, true mask and said mask of some views."""
        batch = MaskBatches(self.views, seed=self.seed + 1, augment=False).batch(0, _SAMPLES, 256)
        with torch.no_grad():
            said = network.eval()(batch["image"].to(next(network.parameters()).device))["mask"].sigmoid().cpu()
        write_mask_sheet(batch, said, path)


def mask_loss(said: Mapping[str, Tensor], alpha: Tensor) -> dict[str, Tensor]:
    """Each part of the loss for logits and the true alpha, and ``iou`` to watch."""
    reach = max(3, round(alpha.shape[-1] * _EDGE_REACH)) // 2 * 2 + 1
    mixed = functional.avg_pool2d(alpha, reach, 1, reach // 2, count_include_pad=False)
    weight = 1 + _EDGE_WEIGHT * (mixed - alpha).abs()
    edge = functional.binary_cross_entropy_with_logits(said["mask"], alpha, reduction="none")
    per_view = (weight * edge).sum(dim=(1, 2, 3)) / weight.sum(dim=(1, 2, 3))
    guess = said["mask"].sigmoid()
    both = (weight * guess * alpha).sum(dim=(1, 2, 3))
    either = (weight * (guess + alpha - guess * alpha)).sum(dim=(1, 2, 3))
    has_object = (alpha.amax(dim=(1, 2, 3)) > 0.5).float()
    # where there is nothing, overlap means nothing either, and the pixels alone teach
    overlap = ((1 - both / either.clamp(min=1)) * has_object).mean()
    coarse = sum(
        functional.binary_cross_entropy_with_logits(
            said[name], functional.interpolate(alpha, size=said[name].shape[-2:], mode="area")
        )
        for name in ("coarse16", "coarse8")
    )
    truth = has_object * _iou(guess.detach(), alpha)
    quality = functional.binary_cross_entropy_with_logits(said["quality"], truth)
    iou = truth.sum() / has_object.sum().clamp(min=1)
    parts = {"edge": per_view.mean(), "overlap": overlap, "quality": quality, "iou": iou}
    assert isinstance(coarse, Tensor)
    return {**parts, "coarse": coarse}


def _iou(guess: Tensor, alpha: Tensor) -> Tensor:
    """Of the solid masks, one for each view; an empty guess has none."""
    solid, true = guess > 0.5, alpha > 0.5
    either = (solid | true).sum(dim=(1, 2, 3))
    return (solid & true).sum(dim=(1, 2, 3)) / either.clamp(min=1)


def write_mask_sheet(truth: Mapping[str, Tensor], said: Tensor, path: Path) -> None:
    """A picture to look at while the network learns."""
    columns = 4
    tiles = []
    for index in range(len(said)):
        photo = truth["image"][index].numpy().transpose(1, 2, 0)
        masks = [np.repeat(mask[index].numpy().transpose(1, 2, 0), 3, axis=2) for mask in (truth["alpha"], said)]
        tiles.append(np.hstack([photo, *masks]))
    rows = [np.hstack(tiles[start : start + columns]) for start in range(0, len(tiles) - columns + 1, columns)]
    sheet = np.clip(np.vstack(rows) * 255, 0, 255).astype(np.uint8)
    cv2.imwrite(str(path), cv2.resize(sheet[..., ::-1], None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA))


class MaskAnswers(nn.Module):
    """The network as it ships: ``alpha`` (1, 1, s, s) and ``quality`` (1,), both 0..1."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, image: Tensor) -> dict[str, Tensor]:
        """Probabilities in place of logits."""
        said = self.network(image)
        return {"alpha": said["mask"].sigmoid(), "quality": said["quality"].sigmoid()}


def export_mask(weights: Mapping[str, Tensor], size_px: int, file: Path, note: ExportNote) -> float:
    """Write trained weights as ONNX for squares of this size; gives the largest relative difference to torch."""
    network = MaskNetwork(MaskConfig(pretrained=False))
    network.load_state_dict(weights)
    example = torch.rand(1, 3, size_px, size_px, generator=torch.Generator().manual_seed(0))
    return export_onnx(MaskAnswers(network), {"image": example}, ("alpha", "quality"), file, note)
