"""Depthwise convolution with a backward pass that is fast on CPUs, where torch's own takes most of a training step.

oneDNN's gradient of 5x5 depthwise kernels on small maps costs up to a hundred times the forward pass. Here the input's
gradient is itself a depthwise convolution, forwards, and the kernel's is a sum of products for each of its taps.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional


class FastDepthwise(nn.Module):
    """A depthwise convolution without bias in place of one of EfficientNet's, with its weight and its padding."""

    def __init__(self, weight: nn.Parameter, stride: int, padding: nn.Module) -> None:
        super().__init__()
        self.weight, self.stride, self.static_padding = weight, stride, padding

    def forward(self, x: Tensor) -> Tensor:
        """The convolution, on CPUs and in training with the faster gradient."""
        padded = self.static_padding(x)
        if x.device.type != "cpu" or not self.training:
            return functional.conv2d(padded, self.weight, None, self.stride, groups=padded.shape[1])
        return _Depthwise.apply(padded, self.weight, self.stride)


def depthwise(width: int, side: int) -> FastDepthwise:
    """A depthwise convolution of stride 1 that keeps the size, newly initialised as torch does."""
    made = nn.Conv2d(width, width, side, groups=width, bias=False)
    return FastDepthwise(made.weight, 1, nn.ZeroPad2d(side // 2))


def hasten_depthwise(blocks: nn.ModuleList, smallest: int = 3) -> None:
    """Replace the depthwise convolutions of EfficientNet's blocks from this kernel size on; names of the weights stay.

    For maps of about 100 pixels a side torch's own 3x3 is as fast.
    """
    for block in blocks:
        old = block._depthwise_conv
        if old.kernel_size[0] < smallest:
            continue
        block._depthwise_conv = FastDepthwise(old.weight, int(old.stride[0]), old.static_padding)


class _Depthwise(torch.autograd.Function):
    """A depthwise convolution of an input that is already padded."""

    @staticmethod
    @torch.amp.custom_fwd(device_type="cpu")
    def forward(context: Any, x: Tensor, weight: Tensor, stride: int) -> Tensor:
        weight = weight.to(x.dtype)
        context.save_for_backward(x, weight)
        context.stride = stride
        return functional.conv2d(x, weight, None, stride, groups=x.shape[1])

    @staticmethod
    @torch.amp.custom_bwd(device_type="cpu")
    def backward(context: Any, gradient: Tensor) -> tuple[Tensor, Tensor, None]:
        x, weight = context.saved_tensors
        stride, side = context.stride, weight.shape[-1]
        rows, columns = gradient.shape[-2:]
        of_weight = torch.empty(weight.shape, dtype=torch.float32)
        for down in range(side):
            for across in range(side):
                seen = x[:, :, down : down + stride * rows : stride, across : across + stride * columns : stride]
                of_weight[:, 0, down, across] = (seen * gradient).sum(dim=(0, 2, 3), dtype=torch.float32)
        spread = gradient
        if stride > 1:
            count, channels = gradient.shape[:2]
            size = (stride * (rows - 1) + 1, stride * (columns - 1) + 1)
            spread = gradient.new_zeros((count, channels, *size)).contiguous(memory_format=torch.channels_last)
            spread[:, :, ::stride, ::stride] = gradient
        # the last rows and columns of the padding may have been beyond the kernel's last step
        below = x.shape[-2] - spread.shape[-2] - side + 1
        beside = x.shape[-1] - spread.shape[-1] - side + 1
        spread = functional.pad(spread, (side - 1, side - 1 + beside, side - 1, side - 1 + below))
        of_input = functional.conv2d(spread, weight.flip(2, 3), groups=x.shape[1])
        return of_input, of_weight, None
