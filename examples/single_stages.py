"""The stages one by one, with a change of your own at the end: `python examples/single_stages.py photo.jpg out.glb`."""

import sys

import numpy as np

import unflat
from unflat import Asset, Context, Views


def main(photo_path: str, model: str) -> None:
    """Cut out, inflate thinner than usual, decimate, texture, lean it over, write it."""
    photo = unflat.read_photo(photo_path)
    view = unflat.backend("segment", "auto")(photo, Context())
    shape = unflat.backend("reconstruct", "inflate", thickness=0.7)(Views((view,)), Context())
    fine = unflat.backend("surface", "marching-cubes")(shape, Context())
    coarse = unflat.backend("finish", "decimate", faces=4000)(fine, Context())

    part = unflat.backend("texture", "bake", size_px=512)(coarse, Context())

    leaning = part.mesh.vertices + np.float32([0.2, 0, 0]) * part.mesh.vertices[:, 1:2]
    unflat.write(Asset((unflat.Part(part.mesh.with_vertices(leaning), part.material),)), model)


if __name__ == "__main__":
    main(*sys.argv[1:3])
