"""Other ways to get a shape from one photo, to compare with on equal data, encoder and compute.

They answer as the shipped network does, so that the same solid and the same benchmark judge them: the front is where a
ray first gets more solid than not, the back where it last was, and the bins between are read off. Neither has the
inflation to start from: it is among their inputs only.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional

from unflat.synth.object_views import BINS
from unflat.train.single_view_network import SingleViewConfig, SingleViewNetwork, twice

SLICES = 48
"""Depths at which a ray is asked whether it is inside."""
NEAREST, FURTHEST = -1.2, 1.2
"""Range of depths in half squares: holds 99 of 100 objects."""


class TubeNetwork(SingleViewNetwork):
    """Volume tubes (Richter and Roth 2018): the channels of a picture are the bins of its rays."""

    def __init__(self, config: SingleViewConfig | None = None) -> None:
        super().__init__(config)
        self.solid = nn.Conv2d(self.config.decoder[2], SLICES, 1)

    def forward(self, image: Tensor, mask: Tensor, thickness: Tensor) -> dict[str, Tensor]:
        """The contract's outputs, and ``solid`` (b, slices, s/4, s/4): logits along each ray."""
        return answers(self.solid(_quarter(self, image, mask, thickness)), image)


class ImplicitNetwork(SingleViewNetwork):
    """A pixel-aligned implicit function (PIFu, Saito et al. 2019): a small network is asked at pixel and depth."""

    def __init__(self, config: SingleViewConfig | None = None, hidden: int = 48) -> None:
        super().__init__(config)
        self.from_pixel = nn.Conv2d(self.config.decoder[2], hidden, 1)
        self.from_depth = nn.Linear(1 + 2 * 5, hidden)
        self.mix = nn.Sequential(nn.ReLU(), nn.Linear(hidden, hidden), nn.ReLU(), nn.Linear(hidden, 1))

    def forward(self, image: Tensor, mask: Tensor, thickness: Tensor) -> dict[str, Tensor]:
        """As `TubeNetwork`."""
        pixel = self.from_pixel(_quarter(self, image, mask, thickness)).permute(0, 2, 3, 1)
        depth = self.from_depth(_waves(slice_depths(image)).to(pixel.dtype))
        solid = self.mix(pixel[:, :, :, None] + depth)[..., 0]
        return answers(solid.permute(0, 3, 1, 2), image)


def slice_depths(like: Tensor) -> Tensor:
    """The depths that are asked, on the device of another tensor."""
    step = (FURTHEST - NEAREST) / SLICES
    return NEAREST + step * (torch.arange(SLICES, device=like.device, dtype=torch.float32) + 0.5)


def true_solid(truth: Mapping[str, Tensor]) -> Tensor:
    """What a rival should say: 1 where a ray is inside, on every fourth pixel."""
    front, back = (truth[side][:, :, 2::4, 2::4] for side in ("front", "back"))
    depth = slice_depths(front).view(1, -1, 1, 1)
    share = (depth - front) / (back - front).clamp(min=1e-3)
    bins = truth["filled"].repeat_interleave(2, 2).repeat_interleave(2, 3)
    solid = bins.gather(1, (share.clamp(0, 0.999) * BINS).long())
    return solid * (share > 0) * (share < 1)


def rival_loss(said: Mapping[str, Tensor], truth: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Cross entropy of the solid over the object's pixels; and the depth error, to watch."""
    inside = truth["inside"]
    coarse = inside[:, :, 2::4, 2::4]
    miss = functional.binary_cross_entropy_with_logits(said["solid"].float(), true_solid(truth), reduction="none")
    solid = (coarse * miss.mean(dim=1, keepdim=True)).sum() / coarse.sum().clamp(min=1)
    weight = inside / inside.sum(dim=(2, 3), keepdim=True).clamp(min=1) / len(inside)
    depth = sum((weight * (said[side].detach() - truth[side]).abs()).sum() for side in ("front", "back"))
    assert isinstance(depth, Tensor)
    return {"solid": solid, "depth": depth}


def answers(solid: Tensor, image: Tensor) -> dict[str, Tensor]:
    """The shipped network's outputs from logits along each ray; what a rival does not know is left neutral."""
    inside = solid.float().sigmoid()
    depth, step = slice_depths(image), (FURTHEST - NEAREST) / SLICES
    front, sure = _first(inside, depth)
    back, _ = _first(inside.flip(1), depth.flip(0))
    front, back = front - step / 2, torch.maximum(back + step / 2, front)
    share = (torch.arange(BINS, device=image.device) + 0.5).view(1, -1, 1, 1) / BINS
    place = ((front + (back - front) * share - NEAREST) / step).long().clamp(0, SLICES - 1)
    filled = functional.avg_pool2d(inside.gather(1, place), 2)
    # rays that miss everything have no depth: they must not pull at their neighbours
    weight = twice(twice(sure)).clamp(min=1e-4)
    large = [twice(twice(x * sure)) / weight for x in (front, back)]
    toward = torch.zeros_like(image) + image.new_tensor([0, 0, 1.0]).view(1, 3, 1, 1)
    one = image.new_ones(len(image))
    unsure = torch.zeros_like(large[0]) + 0.1
    return {
        "front": large[0], "back": large[1], "front_normal": -toward, "back_normal": toward, "back_color": 1.0 * image,
        "front_error": unsure, "back_error": 1.0 * unsure, "filled": filled, "solid": solid,
        "up": one[:, None] * image.new_tensor([[0.0, -0.95, -0.3]]), "tan_half_fov": 0.19 * one,
    }  # fmt: skip


def _first(inside: Tensor, depth: Tensor) -> tuple[Tensor, Tensor]:
    """Expected depth at which a ray first is inside, and the probability that it ever is."""
    free = (1 - inside).clamp(min=1e-7).log().cumsum(dim=1).exp()  # a product, in operations that ONNX has
    arrives = inside * torch.cat([torch.ones_like(free[:, :1]), free[:, :-1]], dim=1)
    sure = arrives.sum(1, keepdim=True).clamp(min=1e-4)
    return (arrives * depth.view(1, -1, 1, 1)).sum(1, keepdim=True) / sure, sure


def _quarter(network: SingleViewNetwork, image: Tensor, mask: Tensor, thickness: Tensor) -> Tensor:
    """The shipped network's own features at stride 4."""
    features = network.encoder(image, torch.cat([mask, thickness], dim=1))
    coarse, _ = network.attended(features[16])
    eighth = network.up8(twice(network.up16(coarse, features[16])), features[8])
    return network.up4(twice(eighth), features[4])


def _waves(depth: Tensor) -> Tensor:
    """Depths as sines and cosines of five octaves beside themselves (Mildenhall et al. 2020, equation 4)."""
    angle = depth[:, None] * torch.exp2(torch.arange(5, device=depth.device)) * torch.pi / 2
    return torch.cat([depth[:, None], angle.sin(), angle.cos()], dim=1)


RIVALS: dict[str, type[SingleViewNetwork]] = {"tubes": TubeNetwork, "implicit": ImplicitNetwork}
"""By the name that `unflat train single-view --rival` takes."""
