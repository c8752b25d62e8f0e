"""How a surface looks: glTF's metallic-roughness model."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import UInt8

from unflat.core.arrays import freeze_fields, require


@dataclass(frozen=True, eq=False)
class Material:
    """Textures and factors of glTF 2.0's metallic-roughness model; a texture that is None is 1 everywhere.

    All textures share one UV layout but may differ in size.
    """

    name: str = "material"
    base_color: UInt8[np.ndarray, "h w 3"] | None = None
    """sRGB."""
    normal: UInt8[np.ndarray, "hn wn 3"] | None = None
    """Tangent space, OpenGL style (+Y up, as glTF), 128 is zero."""
    occlusion: UInt8[np.ndarray, "ho wo"] | None = None
    """255 open, 0 fully occluded. Writers pack it into red beside roughness (green) and metallic (blue)."""
    roughness: UInt8[np.ndarray, "ho wo"] | None = None
    metallic: UInt8[np.ndarray, "ho wo"] | None = None
    confidence: UInt8[np.ndarray, "hc wc"] | None = None
    """255 where a picture saw the texel, 0 where it was inferred."""
    base_color_factor: tuple[float, float, float, float] = (1.0, 1.0, 1.0, 1.0)
    """Linear RGBA."""
    roughness_factor: float = 1.0
    metallic_factor: float = 0.0
    double_sided: bool = False

    def __post_init__(self) -> None:
        factors = (*self.base_color_factor, self.roughness_factor, self.metallic_factor)
        require(
            all(0.0 <= factor <= 1.0 for factor in factors),
            f"Material factors must be 0..1, found {factors}.",
            code="material-factor",
            hint="Give factors from 0 to 1.",
        )
        freeze_fields(self, "base_color", "normal", "occlusion", "roughness", "metallic", "confidence")
