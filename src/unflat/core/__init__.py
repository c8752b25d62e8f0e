"""The nouns, the conventions, colour, errors, events. Knows no file, no network, no stage.

A source becomes views, views become a reconstruction, a reconstruction becomes a mesh, the mesh gets texture and
material, and leaves as an asset that remembers how it was made and which parts were seen.
"""

from unflat.core.asset import Asset, Finding, Part, Provenance, QualityReport
from unflat.core.camera import Camera
from unflat.core.context import Context
from unflat.core.errors import (
    Cancelled,
    GateRefused,
    InputError,
    RecipeError,
    SetupError,
    StageFailed,
    UnflatError,
)
from unflat.core.material import Material
from unflat.core.photo import Mask, Photo
from unflat.core.reconstruction import Reconstruction, Shape
from unflat.core.scale import Scale
from unflat.core.shape import Field, Mesh, PointCloud
from unflat.core.tracks import Tracks
from unflat.core.view import DepthMap, Drawing, Source, View, Views

__all__ = [
    "Asset",
    "Camera",
    "Cancelled",
    "Context",
    "DepthMap",
    "Drawing",
    "Field",
    "Finding",
    "GateRefused",
    "InputError",
    "Mask",
    "Material",
    "Mesh",
    "Part",
    "Photo",
    "PointCloud",
    "Provenance",
    "QualityReport",
    "RecipeError",
    "Reconstruction",
    "Scale",
    "SetupError",
    "Shape",
    "Source",
    "StageFailed",
    "Tracks",
    "UnflatError",
    "View",
    "Views",
]
