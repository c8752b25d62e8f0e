"""Colour from many photos: each small piece of surface takes one of its best photos, and no seam shows.

In come a mesh with UV, its atlas and views with cameras; out go a colour and a confidence for each texel. The order:
`sites` (pieces of surface), `candidates` (which photos see each, how well), `gains` (exposure evened out),
`agreement` (passers-by and highlights voted out), `labelling` (one photo for each site, few borders), `levelling`
(tones drawn together), `shares` (borders cross-faded), `painting` (each texel sampled once, from the photo itself).
"""

from unflat.stages.texture.many.choosing import Chosen, chosen

__all__ = ["Chosen", "chosen"]
