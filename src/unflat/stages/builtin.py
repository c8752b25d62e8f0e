"""The cards of the backends that come with unflat. Imports none of them."""

from __future__ import annotations

from unflat.stages.card import Card

_SEGMENT = "unflat.stages.segment."
_RECONSTRUCT = "unflat.stages.reconstruct."
_POSE = "unflat.stages.pose."
_SURFACE = "unflat.stages.surface."
_FINISH = "unflat.stages.finish."
_TEXTURE = "unflat.stages.texture."

BACKENDS: tuple[Card, ...] = (
    Card("segment", "auto", _SEGMENT + "auto:Auto", "the file's own alpha, else a plain background, else GrabCut"),
    Card("segment", "given", _SEGMENT + "given:Given", "the file's own transparency"),
    Card("segment", "plain", _SEGMENT + "plain:Plain", "a plain background, as in product shots"),
    Card(
        "segment",
        "grabcut",
        _SEGMENT + "grabcut:GrabCut",
        "GrabCut, started by itself, by a box or by clicks",
        seconds=2.0,
    ),
    Card(
        "segment",
        "network",
        _SEGMENT + "network:Network",
        "an object before any background, by the network that comes with unflat",
        licence="MIT",
        weights_licence="Apache-2.0",
        seconds=0.3,
    ),
    Card("segment", "drawing", _SEGMENT + "drawing:PaperDrawing", "a drawing on paper: paper removed, regions filled"),
    Card(
        "segment",
        "rembg",
        _SEGMENT + "rembg:Rembg",
        "the models of rembg, downloaded at first use",
        licence="MIT",
        weights_licence="per model",
        modules=("rembg", "onnxruntime"),
        extra="masks",
        seconds=5.0,
    ),
    Card(
        "reconstruct",
        "inflate",
        _RECONSTRUCT + "inflate:Inflate",
        "a smooth closed body from the outline",
        takes=("photo", "drawing"),
        seconds=1.5,
    ),
    Card(
        "reconstruct",
        "single-view",
        _RECONSTRUCT + "single_view:SingleView",
        "a whole object from one picture, by the network that comes with unflat",
        licence="MIT",
        weights_licence="Apache-2.0",
        takes=("photo", "drawing"),
        seconds=2.0,
    ),
    Card(
        "reconstruct",
        "relief",
        _RECONSTRUCT + "relief:Relief",
        "a closed relief from a depth map",
        weights_licence="none; that of the depth network where one is named",
        takes=("photo",),
        seconds=1.0,
    ),
    Card(
        "reconstruct",
        "visual-hull",
        _RECONSTRUCT + "visual_hull:VisualHull",
        "what all silhouettes allow",
        takes=("views",),
        seconds=3.0,
    ),
    Card(
        "pose",
        "structure-from-motion",
        _POSE + "structure_from_motion:StructureFromMotion",
        "cameras of loose photos from the points they share, by COLMAP",
        licence="BSD-3-Clause; the wheel holds a GPL-2.0 part of CHOLMOD",
        modules=("pycolmap",),
        extra="photos",
        takes=("photos", "views"),
        seconds=90.0,
    ),
    Card(
        "pose",
        "named-sides",
        _POSE + "named_sides:NamedSides",
        "cameras of photos that are named by the side they show: front, left, back, right",
        licence="MIT",
        weights_licence="Apache-2.0",
        takes=("photos",),
        seconds=4.0,
    ),
    Card(
        "reconstruct",
        "fused-views",
        _RECONSTRUCT + "fused_views:FusedViews",
        "one solid of what the network that comes with unflat makes of each of several photos",
        licence="MIT",
        weights_licence="Apache-2.0",
        takes=("photos", "views"),
        seconds=5.0,
    ),
    Card(
        "reconstruct",
        "multi-view-stereo",
        _RECONSTRUCT + "multi_view_stereo:MultiViewStereo",
        "the surface that many photos agree on, by PatchMatch stereo",
        takes=("photos", "views"),
        seconds=90.0,
    ),
    Card(
        "surface",
        "poisson",
        _SURFACE + "poisson:Poisson",
        "a closed surface through a cloud of points, by screened Poisson reconstruction",
        licence="BSD-3-Clause; the wheel holds a GPL-2.0 part of CHOLMOD",
        modules=("pycolmap",),
        extra="photos",
        seconds=20.0,
    ),
    Card(
        "surface",
        "tsdf",
        _SURFACE + "tsdf:Tsdf",
        "the average of depth maps on a grid, open where nobody saw: rooms and scenes",
        takes=("photos", "views"),
        seconds=20.0,
    ),
    Card(
        "surface",
        "marching-cubes",
        _SURFACE + "marching_cubes:MarchingCubes",
        "the zero level of a field as triangles",
        seconds=0.5,
    ),
    Card(
        "finish", "weld", _FINISH + "weld:Weld", "merge vertices at the same place, drop degenerate faces", seconds=0.1
    ),
    Card(
        "finish", "largest-part", _FINISH + "largest_part:LargestPart", "keep the largest connected part", seconds=0.1
    ),
    Card("finish", "fill-holes", _FINISH + "fill_holes:FillHoles", "close holes", seconds=0.1),
    Card("finish", "watertight", _FINISH + "watertight:Watertight", "make it a closed manifold", seconds=0.3),
    Card(
        "finish",
        "refine",
        _FINISH + "refine:Refine",
        "move the surface until photos of it look alike",
        takes=("photos", "views"),
        seconds=60.0,
    ),
    Card("finish", "smooth", _FINISH + "smooth:Smooth", "remove noise, keep edges", seconds=0.4),
    Card("finish", "fair", _FINISH + "fair:Fair", "smooth what nobody saw", seconds=0.5),
    Card("finish", "decimate", _FINISH + "decimate:Decimate", "fewer faces, same shape", licence="MIT", seconds=0.3),
    Card(
        "finish", "quad-remesh", _FINISH + "quad_remesh:QuadRemesh", "clean quads", licence="BSD-3-Clause", seconds=2.0
    ),
    Card("finish", "orient", _FINISH + "orient:Orient", "turn upright or by given angles", seconds=0.05),
    Card("finish", "ground", _FINISH + "ground:Ground", "stand on y = 0", seconds=0.02),
    Card("finish", "centre", _FINISH + "centre:Centre", "centre on the origin", seconds=0.02),
    Card("finish", "scale", _FINISH + "scale:Scale", "to a real height or size", seconds=0.02),
    Card(
        "texture",
        "bake",
        _TEXTURE + "bake:Bake",
        "unwrap, project the photos, fill the unseen, make PBR maps",
        licence="MIT",
        seconds=3.0,
    ),
)
