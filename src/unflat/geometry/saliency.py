"""Where in a picture the object probably is: contrast to what hangs together with the picture's frame."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float32, Float64, Int32, UInt8
from scipy import sparse
from scipy.sparse import csgraph, linalg
from skimage.segmentation import slic

from unflat.geometry.image_edges import lab_from_srgb, reduced_size, resized

_SIDE_PX = 320
"""Longer side of the copy that is looked at."""
_PATCHES = 350
"""Superpixels: enough for thin legs, few enough for all pairs."""
_COMPACTNESS = 12.0
"""How much superpixels prefer to be square over following edges."""
_SPAN_LAB = 10.0
"""Colour steps that add up to more than this on every way lead to another region (Zhu 2014, sigma_clr)."""
_FRAME_TIES = 1.0
"""Boundary connectivity of a region that is half background (Zhu 2014, sigma_bndCon)."""
_NEAR_SHARE = 0.33
"""Contrast counts most within this share of the picture's side."""
_SMOOTHING, _FLOOR = 1.0, 0.1
"""Weight between neighbours in the final smoothing, and its least value."""


def saliency(pixels: UInt8[np.ndarray, "h w 3"]) -> Float32[np.ndarray, "h w"]:
    """How likely each pixel belongs to the main object, 0..1, largest value 1; all 0 where nothing stands out.

    Superpixel contrast weighted by boundary connectivity, smoothed by least squares (W. Zhu et al., "Saliency
    Optimization from Robust Background Detection", CVPR 2014), with a mild prior for the centre. Made on a reduced
    copy, so the cost hardly depends on the picture's size.
    """
    height, width = pixels.shape[:2]
    small = resized(pixels, reduced_size(height, width, _SIDE_PX))
    lab = lab_from_srgb(small)
    labels = slic(small, n_segments=_PATCHES, compactness=_COMPACTNESS, sigma=1.0, start_label=0)
    labels = labels.astype(np.int32)
    value = _of_patches(lab, labels)
    return np.asarray(resized(value[labels], (height, width)))


def _of_patches(lab: Float32[np.ndarray, "h w 3"], labels: Int32[np.ndarray, "h w"]) -> Float32[np.ndarray, "n"]:
    """Saliency of each superpixel, 0..1."""
    colors, places, areas = _means(lab, labels)
    count = len(areas)
    pairs = _neighbours(labels)
    steps = np.linalg.norm(colors[pairs[:, 0]] - colors[pairs[:, 1]], axis=1)
    tie = _frame_ties(labels, pairs, steps, areas)
    background = 1 - np.exp(-(tie**2) / (2 * _FRAME_TIES**2))
    far = np.linalg.norm(places[:, None] - places[None], axis=2)
    apart = np.linalg.norm(colors[:, None] - colors[None], axis=2)
    weight = np.exp(-(far**2) / (2 * _NEAR_SHARE**2)) * background[None] * areas[None]
    contrast = (apart * weight).sum(axis=1) / areas.sum()
    centre = np.exp(-(np.linalg.norm(places - places.mean(axis=0), axis=1) ** 2) / (2 * 0.5**2))
    contrast = contrast * (0.5 + 0.5 * centre)
    top = float(contrast.max())
    if top <= 1e-6:
        return np.zeros(count, dtype=np.float32)
    return _smoothed(contrast / top, background, pairs, steps)


def _means(
    lab: Float32[np.ndarray, "h w 3"], labels: Int32[np.ndarray, "h w"]
) -> tuple[Float64[np.ndarray, "n 3"], Float64[np.ndarray, "n 2"], Float64[np.ndarray, "n"]]:
    """Mean colour, mean place (0..1 along the longer side) and area of each superpixel."""
    flat = labels.ravel()
    areas = np.bincount(flat).astype(np.float64)
    rows, columns = np.indices(labels.shape)
    side = max(labels.shape)
    planes = [*lab.reshape(-1, 3).T, columns.ravel() / side, rows.ravel() / side]
    means = np.stack([np.bincount(flat, plane) / np.maximum(areas, 1) for plane in planes], axis=1)
    return means[:, :3], means[:, 3:], areas


def _neighbours(labels: Int32[np.ndarray, "h w"]) -> Int32[np.ndarray, "pairs 2"]:
    """Each pair of touching superpixels once."""
    beside = np.stack([labels[:, :-1].ravel(), labels[:, 1:].ravel()], axis=1)
    below = np.stack([labels[:-1].ravel(), labels[1:].ravel()], axis=1)
    pairs = np.sort(np.concatenate([beside, below]), axis=1)
    return np.unique(pairs[pairs[:, 0] != pairs[:, 1]], axis=0).astype(np.int32)


def _frame_ties(
    labels: Int32[np.ndarray, "h w"],
    pairs: Int32[np.ndarray, "pairs 2"],
    steps: Float64[np.ndarray, "pairs"],
    areas: Float64[np.ndarray, "n"],
) -> Float64[np.ndarray, "n"]:
    """Boundary connectivity: length of the frame within a soft region, over the root of the region's area."""
    count = len(areas)
    frame = np.concatenate([labels[0], labels[-1], labels[:, 0], labels[:, -1]])
    on_frame = np.bincount(frame, minlength=count)
    graph = sparse.coo_matrix((steps + 1e-6, (pairs[:, 0], pairs[:, 1])), shape=(count, count)).tocsr()
    ways = csgraph.dijkstra(graph, directed=False)
    same = np.exp(-(ways**2) / (2 * _SPAN_LAB**2))
    span = same @ (areas / areas.mean())
    length = same @ (on_frame / np.sqrt(areas.mean()))
    return np.asarray(length / np.sqrt(span))


def _smoothed(
    contrast: Float64[np.ndarray, "n"],
    background: Float64[np.ndarray, "n"],
    pairs: Int32[np.ndarray, "pairs 2"],
    steps: Float64[np.ndarray, "pairs"],
) -> Float32[np.ndarray, "n"]:
    """Contrast pulls up, background ties pull down, alike neighbours agree (Zhu 2014, equation 9)."""
    count = len(contrast)
    weight = _SMOOTHING * np.exp(-(steps**2) / (2 * _SPAN_LAB**2)) + _FLOOR
    agree = sparse.coo_matrix((weight, (pairs[:, 0], pairs[:, 1])), shape=(count, count))
    agree = agree + agree.T
    system = sparse.diags(np.asarray(agree.sum(axis=1)).ravel() + background + contrast + 1e-9) - agree
    value = linalg.spsolve(system.tocsc(), contrast)
    return np.asarray(value / max(float(value.max()), 1e-9), dtype=np.float32)
