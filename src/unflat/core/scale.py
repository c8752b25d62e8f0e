"""Whether lengths are known."""

from __future__ import annotations

from enum import Enum


class Scale(Enum):
    """What a length of 1 is: a metre, or nothing that is known."""

    METRIC = "metric"
    UP_TO_SCALE = "up-to-scale"
