"""One photo to a GLB, with progress: `python examples/photo_to_glb.py photo.jpg out.glb`."""

import sys

import unflat


def main(photo: str, model: str) -> None:
    """Turn one photo into a model, telling what happens."""
    asset = unflat.reconstruct(photo, quality="draft", height="12cm", on_event=print)
    unflat.write(asset, model)


if __name__ == "__main__":
    main(*sys.argv[1:3])
