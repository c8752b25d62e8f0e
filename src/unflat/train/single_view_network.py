"""The single-photo network: front and back of an object as a learned residual on its inflation.

An encoder with ImageNet weights, attention over coarse tokens with a few global ones for shape and pose, and a light
decoder. The last layers begin at zero, so that an untrained network gives the inflation itself. 3.6 M parameters.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from unflat.synth.object_views import BINS
from unflat.train.depthwise import hasten_depthwise
from unflat.train.encoder import CHANNELS, Encoder


@dataclass(frozen=True)
class SingleViewConfig:
    """Sizes of the network."""

    width: int = 256
    """Channels of a token."""
    depth: int = 4
    """Attention layers."""
    heads: int = 4
    decoder: tuple[int, int, int, int] = (128, 96, 64, 32)
    """Channels at strides 16, 8, 4, 2."""
    global_tokens: int = 4
    pretrained: bool = True


_PIXEL_HEADS = {"middle": 1, "residual": 1, "front_normal": 3, "back_normal": 3, "back_color": 3, "error": 2}
_LEAST_ERROR = 0.004
"""Expected error of a depth can't be said to be smaller than this, in half squares."""


class SingleViewNetwork(nn.Module):
    """From image, mask and thickness (see `unflat.nets.single_view`) to layers of depth and what belongs to them."""

    def __init__(self, config: SingleViewConfig | None = None) -> None:
        super().__init__()
        config = config or SingleViewConfig()
        self.config = config
        self.encoder = Encoder(extra=2, pretrained=config.pretrained)
        hasten_depthwise(self.encoder.blocks, smallest=5)
        self.to_token = nn.Conv2d(CHANNELS[16], config.width, 1)
        self.global_tokens = nn.Parameter(torch.randn(1, config.global_tokens, config.width) * 0.02)
        self.attention = nn.ModuleList(_Attention(config.width, config.heads) for _ in range(config.depth))
        self.token_norm = nn.LayerNorm(config.width)
        d16, d8, d4, d2 = config.decoder
        self.up16 = _Merge(config.width, CHANNELS[16], d16)
        self.up8 = _Merge(d16, CHANNELS[8], d8)
        self.up4 = _Merge(d8, CHANNELS[4], d4)
        self.up2 = _Merge(d4, CHANNELS[2] + 2, d2)
        self.pixel = _zeroed(nn.Conv2d(d2, sum(_PIXEL_HEADS.values()), 1))
        self.filled = nn.Conv2d(d8, BINS, 1)
        self.globals = _zeroed(nn.Linear(config.width, 3 + 1 + 1 + 2))
        self.to_film = _zeroed(nn.Linear(config.width, 2 * d4))

    def forward(self, image: Tensor, mask: Tensor, thickness: Tensor) -> dict[str, Tensor]:
        """All outputs of the ONNX contract, by name. Sizes must be multiples of 16."""
        features = self.encoder(image, torch.cat([mask, thickness], dim=1))
        coarse, summary = self.attended(features[16])
        x = self.up16(coarse, features[16])
        eighth = self.up8(twice(x), features[8])
        x = self.up4(twice(eighth), features[4])
        scale, shift = self.to_film(summary)[:, :, None, None].chunk(2, dim=1)
        x = x * (1 + scale) + shift
        half = functional.avg_pool2d(torch.cat([mask, thickness], dim=1), 2)
        x = self.up2(twice(x), torch.cat([features[2], half], dim=1))
        said = self.pixel(x).float().split(list(_PIXEL_HEADS.values()), dim=1)
        pixel = dict(zip(_PIXEL_HEADS, said, strict=True))
        known = self.globals(summary).float()
        up, tangent, stretch, plane = known.split([3, 1, 1, 2], dim=1)
        return {
            **_layers(pixel, thickness, stretch, plane),
            "back_color": (image + twice(pixel["back_color"])).clamp(0, 1),
            "filled": self.filled(eighth).float().sigmoid(),
            "up": functional.normalize(up + up.new_tensor([0.0, -0.95, -0.3]), dim=1),
            "tan_half_fov": (0.75 * torch.sigmoid(tangent[:, 0] - 1.1)),
        }

    def attended(self, coarse: Tensor) -> tuple[Tensor, Tensor]:
        """The coarse features after attention, as a picture; and the mean of the global tokens."""
        tokens = self.to_token(coarse)
        batch, width, rows, columns = tokens.shape
        tokens = tokens.flatten(2).transpose(1, 2) + _positions(rows, columns, width, tokens.device).to(tokens.dtype)
        count = self.config.global_tokens
        tokens = torch.cat([self.global_tokens.expand(batch, -1, -1).to(tokens.dtype), tokens], dim=1)
        for layer in self.attention:
            tokens = layer(tokens)
        tokens = self.token_norm(tokens)
        picture = tokens[:, count:].transpose(1, 2).reshape(batch, width, rows, columns)
        return picture, tokens[:, :count].mean(dim=1)


def _layers(pixel: dict[str, Tensor], thickness: Tensor, stretch: Tensor, plane: Tensor) -> dict[str, Tensor]:
    """Front and back: a middle surface (a plane and a residual), and the inflation's half thickness times a factor.

    Normals are brought to unit length before they are enlarged: that is cheap, and between pixels next to no shorter.
    """
    rows, columns = thickness.shape[-2:]
    across = torch.linspace(-1, 1, columns, device=thickness.device).view(1, 1, 1, columns)
    down = torch.linspace(-1, 1, rows, device=thickness.device).view(1, 1, rows, 1)
    middle = twice(pixel["middle"]) + plane[:, 0].view(-1, 1, 1, 1) * across + plane[:, 1].view(-1, 1, 1, 1) * down
    half = thickness * torch.exp((twice(pixel["residual"]) + stretch.view(-1, 1, 1, 1)).clamp(-4, 4))
    front, back = middle - half, middle + half
    toward, away = front.new_tensor([0, 0, -1.0]).view(1, 3, 1, 1), front.new_tensor([0, 0, 1.0]).view(1, 3, 1, 1)
    error = _LEAST_ERROR + 0.1 * torch.exp(twice(pixel["error"]).clamp(-5, 3))
    return {
        "front": front,
        "back": back,
        "front_normal": twice(functional.normalize(pixel["front_normal"] + toward, dim=1)),
        "back_normal": twice(functional.normalize(pixel["back_normal"] + away, dim=1)),
        "front_error": error[:, :1],
        "back_error": error[:, 1:],
    }


class _Attention(nn.Module):
    """A transformer layer, normalised before each half (Vaswani et al. 2017; Xiong et al. 2020)."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.norm, self.mix_norm = nn.LayerNorm(width), nn.LayerNorm(width)
        self.to_qkv, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.mix = nn.Sequential(nn.Linear(width, 2 * width), nn.GELU(), nn.Linear(2 * width, width))

    def forward(self, tokens: Tensor) -> Tensor:
        batch, count, width = tokens.shape
        qkv = self.to_qkv(self.norm(tokens)).view(batch, count, 3, self.heads, width // self.heads)
        query, key, value = qkv.permute(2, 0, 3, 1, 4)
        # written out: the fused kernel's backward pass is slow on a CPU in bfloat16
        weight = (query @ key.transpose(-1, -2) / math.sqrt(width // self.heads)).softmax(dim=-1)
        mixed = (weight @ value).transpose(1, 2).reshape(batch, count, width)
        tokens = tokens + self.out(mixed)
        return tokens + self.mix(self.mix_norm(tokens))


class _Merge(nn.Module):
    """Two pictures of one size, each through a 1x1 reduction, added and mixed by a 3x3 convolution."""

    def __init__(self, coarse: int, fine: int, out: int) -> None:
        super().__init__()
        self.from_coarse, self.from_fine = nn.Conv2d(coarse, out, 1), nn.Conv2d(fine, out, 1)
        self.norm, self.mix = nn.BatchNorm2d(out), nn.Conv2d(out, out, 3, padding=1, bias=False)

    def forward(self, coarse: Tensor, fine: Tensor) -> Tensor:
        return functional.relu(self.norm(self.mix(functional.relu(self.from_coarse(coarse) + self.from_fine(fine)))))


def twice(x: Tensor) -> Tensor:
    """The picture at twice the size, bilinear."""
    return functional.interpolate(x, scale_factor=2.0, mode="bilinear", align_corners=False)


def _positions(rows: int, columns: int, width: int, device: torch.device) -> Tensor:
    """Sines of the place in the square, -1..1, so that they mean the same at every resolution."""
    quarter = width // 4
    frequency = torch.exp2(torch.linspace(0, 5, quarter, device=device)) * math.pi / 2
    down = (torch.arange(rows, device=device) + 0.5) / rows * 2 - 1
    across = (torch.arange(columns, device=device) + 0.5) / columns * 2 - 1
    y, x = down[:, None] * frequency, across[:, None] * frequency
    grid = [part[:, None].expand(-1, columns, -1) for part in (y.sin(), y.cos())]
    grid += [part[None].expand(rows, -1, -1) for part in (x.sin(), x.cos())]
    return torch.cat(grid, dim=2).reshape(1, rows * columns, width)


def _zeroed(layer: nn.Module) -> nn.Module:
    for parameter in layer.parameters():
        nn.init.zeros_(parameter)
    return layer
