"""What leaves the house: parts with materials, how they were made, and how good they are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from unflat.core.arrays import require
from unflat.core.material import Material
from unflat.core.scale import Scale
from unflat.core.shape import Mesh

JsonValue = None | bool | int | float | str | list["JsonValue"] | dict[str, "JsonValue"]
"""Anything that JSON can hold."""


@dataclass(frozen=True, eq=False)
class Part:
    """A mesh and its material."""

    mesh: Mesh
    material: Material
    name: str = "part"


@dataclass(frozen=True)
class Provenance:
    """How an asset was made: enough to make it again, and to answer a lawyer."""

    recipe: str = ""
    """The resolved recipe, as TOML."""
    seed: int = 0
    inputs: tuple[tuple[str, str], ...] = ()
    """Name and SHA-256 of each input."""
    versions: tuple[tuple[str, str], ...] = ()
    """Package and version."""
    weights: tuple[tuple[str, str, str], ...] = ()
    """Name, SHA-256 and licence of each weight file used."""
    licences: tuple[tuple[str, str], ...] = ()
    """Backend and its licence."""
    timings_s: tuple[tuple[str, float], ...] = ()
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class Finding:
    """One thing that the check found."""

    code: str
    severity: Literal["error", "warning", "note"]
    message: str
    hint: str = ""


@dataclass(frozen=True)
class QualityReport:
    """Measured facts about an asset, and what they mean for its target. NaN is "not measured"."""

    faces: int
    vertices: int
    parts: int
    """Connected pieces of surface."""
    watertight: bool
    manifold: bool
    self_intersections: int
    """Pairs of crossing faces."""
    genus: int | None
    """Number of handles; None unless watertight."""
    volume_m3: float
    area_m2: float
    size_m: tuple[float, float, float]
    scale: Scale
    uv_overlap: float
    """Share of the used texels that more than one face claims."""
    texels_per_m: float
    """Median texel density."""
    thinnest_m: float
    """The 1st percentile of wall thickness."""
    seen_share: float
    """Share of the surface area that a picture saw."""
    target: str = ""
    findings: tuple[Finding, ...] = ()

    @property
    def passed(self) -> bool:
        """Whether no finding is an error."""
        return all(finding.severity != "error" for finding in self.findings)


@dataclass(frozen=True, eq=False)
class Asset:
    """A finished model. ``levels`` are coarser versions of ``parts`` for far away, finest first."""

    parts: tuple[Part, ...]
    name: str = "asset"
    scale: Scale = Scale.UP_TO_SCALE
    provenance: Provenance = Provenance()
    report: QualityReport | None = None
    levels: tuple[tuple[Part, ...], ...] = ()

    def __post_init__(self) -> None:
        require(len(self.parts) > 0, "The asset has no parts.", code="empty-asset", hint="Give at least one mesh.")
