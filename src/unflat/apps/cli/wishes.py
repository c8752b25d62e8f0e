"""The options that say what is wanted: shared by `unflat PHOTO`, `plan` and `bench`."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from unflat.core.errors import RecipeError

if TYPE_CHECKING:
    from unflat.pipeline.request import Request


def add_wishes(parser: argparse.ArgumentParser) -> None:
    """Add the pictures and everything that a `Request` holds."""
    parser.add_argument("pictures", nargs="+", metavar="PICTURE", help="a file, a folder, or “-” for the pipe")
    source = parser.add_argument_group("what is in the picture")
    source.add_argument("--kind", choices=("photo", "photos", "drawing"), help="default: unflat looks at the picture")
    source.add_argument("--together", action="store_true", help="all pictures, or the film, show one thing from around")
    source.add_argument(
        "--sides", metavar="S,S", default="", help="which side each picture shows, such as front,left,back,right"
    )
    source.add_argument("--object", action="store_true", help="of photos taken together: only the object counts")
    source.add_argument("--frames", type=int, default=60, metavar="N", help="most frames taken from a film")
    source.add_argument("--mask", metavar="FILE", help="a mask picture: white is object")
    source.add_argument("--box", metavar="L,T,R,B", help="the object's box in pixels")
    source.add_argument("--clicks", metavar="X,Y,…", help="points on the object, in pixels")
    source.add_argument("--depth", metavar="FILE", help="a depth map of the photo (npy, 16-bit png, tiff, pfm)")
    source.add_argument("--depth-kind", choices=("auto", "depth", "disparity", "relative"), default="auto")
    source.add_argument("--depth-unit", type=float, metavar="M", help="length of 1 in the depth map, in metres")
    source.add_argument(
        "--cameras",
        metavar="FILE",
        help="known cameras: transforms.json, a COLMAP model, Metashape XML, RealityScan CSV",
    )
    source.add_argument("--all", action="store_true", help="a model for each object in the picture")
    add_wanted(parser)
    how = add_how(parser)
    how.add_argument("--run-folder", metavar="DIR", help="keep each stage's result here (default: the user's cache)")
    how.add_argument("--no-cache", action="store_true", help="keep no stage results")
    how.add_argument("--from", dest="entry", nargs=2, metavar=("STAGE", "MESH"), help="go on from an edited mesh")


def add_wanted(parser: argparse.ArgumentParser) -> None:
    """Add what the model is to be: for one picture or a thousand."""
    wanted = parser.add_argument_group("what is wanted")
    wanted.add_argument("--for", dest="target", default="", metavar="TARGET", help="game, ar, print or web")
    wanted.add_argument("--quality", choices=("draft", "standard", "high"), default="standard")
    wanted.add_argument("--height", metavar="LENGTH", help="real height, as in 12cm, 0.3m or 4in")
    wanted.add_argument("--size", metavar="LENGTH", help="real longest side")
    wanted.add_argument(
        "--marker", metavar="LENGTH", help="side of the printed markers in the photos (`unflat marker`)"
    )
    wanted.add_argument(
        "--length", dest="lengths", action="append", default=[], metavar="MARKS",
        help="a known length: “12cm = A.jpg 812,400 1510,420; B.jpg 640,380 1402,410”, both ends in pixels",
    )  # fmt: skip
    wanted.add_argument("--faces", type=int, metavar="N", help="face budget")
    wanted.add_argument("--texture", type=int, metavar="PX", help="texture side: 512 to 8192")
    wanted.add_argument("--levels", type=int, default=0, metavar="N", help="coarser levels of detail to add")


def add_how(parser: argparse.ArgumentParser) -> Any:
    """Add recipe, settings, licences and seed; gives the group."""
    how = parser.add_argument_group("how it is made")
    how.add_argument("--recipe", help="a recipe's name or TOML file (`unflat recipe`)")
    how.add_argument("--set", dest="settings", action="append", default=[], metavar="STEP.OPTION=VALUE")
    how.add_argument("--commercial", action="store_true", help="refuse backends that may not be used commercially")
    how.add_argument("--seed", type=int, default=0)
    return how


def request_of(options: argparse.Namespace, pictures: Sequence[str]) -> Request:
    """The request that the parsed options make."""
    from unflat.pipeline.request import Request

    return Request(
        pictures=pictures,
        kind="photos" if options.together else options.kind,
        sides=tuple(side.strip() for side in options.sides.split(",") if side.strip()),
        frames=options.frames,
        mask=options.mask,
        depth=options.depth,
        depth_kind=options.depth_kind,
        depth_unit_m=options.depth_unit,
        cameras=options.cameras,
        recipe=options.recipe,
        quality=options.quality,
        target=options.target,
        settings=settings_of(options),
        height=options.height,
        size=options.size,
        seed=options.seed,
        object_masks=options.object,
        all_objects=options.all,
        levels=options.levels,
        commercial=options.commercial,
        run_folder=options.run_folder,
        store=not options.no_cache,
        entry=tuple(options.entry) if options.entry else None,
    )


def settings_of(options: argparse.Namespace) -> dict[str, Any]:
    """Recipe settings that the parsed options make."""
    settings: dict[str, Any] = {}
    if options.faces is not None:
        settings["finish.decimate.faces"] = options.faces
    if options.texture is not None:
        settings["texture.size_px"] = options.texture
    if options.marker is not None:
        settings["pose.marker"] = options.marker
    if options.lengths:
        settings["pose.lengths"] = options.lengths
    for name in ("box", "clicks"):
        if getattr(options, name, None) is not None:
            settings[f"segment.{name}"] = getattr(options, name)
    for text in options.settings:
        dotted, equals, value = text.partition("=")
        if not equals or "." not in dotted:
            raise RecipeError(f"“--set {text}” is not STEP.OPTION=VALUE.", code="bad-option",
                              hint="For example --set texture.size_px=1024.")  # fmt: skip
        settings[dotted.strip()] = value.strip()
    return settings
