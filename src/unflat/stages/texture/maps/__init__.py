"""Maps beside the base colour: normals of the fine mesh, ambient occlusion, light taken out, roughness and metallic.

Each is a pure function of an atlas and colours; `bake.py` decides which run.
"""

from unflat.stages.texture.maps.delight import Delit, delight
from unflat.stages.texture.maps.normals import normal_map
from unflat.stages.texture.maps.occlusion import ambient_occlusion
from unflat.stages.texture.maps.shininess import Shininess, estimate_shininess

__all__ = ["Delit", "Shininess", "ambient_occlusion", "delight", "estimate_shininess", "normal_map"]
