"""Which pictures look alike: a VLAD of each picture's features, with words learned from the set itself.

Jegou et al. 2010, with signed square roots and intra-normalisation (Arandjelovic and Zisserman 2013).
No vocabulary has to be downloaded.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from jaxtyping import Float32, Int64, UInt8

_WORDS = 64
_PER_WORD = 40
"""Features that a word must be learned from at least."""
_SAMPLES = 40_000
"""Features that the words are learned from."""
_PER_PICTURE = 2000
"""Features of a picture that count."""


def nearest_pictures(
    descriptors: Sequence[UInt8[np.ndarray, "_ 128"]], most: int, seed: int
) -> tuple[tuple[int, ...], ...]:
    """For every picture the `most` others that look most like it, best first. Linear in features."""
    rng = np.random.default_rng(seed)
    few = [_root(_some(rows, _PER_PICTURE, rng)) for rows in descriptors]
    words = _words(_some_of_all(few, _SAMPLES, rng), seed)
    vectors = np.stack([_vlad(rows, words) for rows in few])
    likeness = vectors @ vectors.T
    np.fill_diagonal(likeness, -np.inf)
    count = min(most, len(vectors) - 1)
    best = np.argsort(-likeness, axis=1, kind="stable")[:, :count]
    return tuple(tuple(int(other) for other in row) for row in best)


def _some(rows: np.ndarray, most: int, rng: np.random.Generator) -> np.ndarray:
    return rows if len(rows) <= most else rows[np.sort(rng.choice(len(rows), most, replace=False))]


def _some_of_all(parts: list[np.ndarray], most: int, rng: np.random.Generator) -> np.ndarray:
    """`_some` of the parts one after the other, without putting all of them together."""
    lengths = [len(part) for part in parts]
    chosen = _some(np.arange(sum(lengths)), most, rng)
    bounds = np.searchsorted(chosen, np.cumsum([0, *lengths]))
    firsts = np.cumsum([0, *lengths])
    return np.concatenate([part[chosen[bounds[idx] : bounds[idx + 1]] - firsts[idx]] for idx, part in enumerate(parts)])


def _root(rows: UInt8[np.ndarray, "n 128"]) -> Float32[np.ndarray, "n 128"]:
    """RootSIFT (Arandjelovic and Zisserman 2012)."""
    values = rows.astype(np.float32)
    return np.sqrt(values / np.maximum(values.sum(axis=1, keepdims=True), 1e-6))


def _words(rows: Float32[np.ndarray, "n 128"], seed: int) -> Float32[np.ndarray, "k 128"]:
    count = max(min(_WORDS, len(rows) // _PER_WORD), 1)
    if len(rows) == 0:
        return np.zeros((1, 128), np.float32)
    cv2.setRNGSeed(seed)
    stop = (cv2.TERM_CRITERIA_EPS | cv2.TERM_CRITERIA_MAX_ITER, 12, 1e-4)
    _, _, centres = cv2.kmeans(rows, count, None, stop, 1, cv2.KMEANS_RANDOM_CENTERS)
    return np.asarray(centres, np.float32)


def _vlad(rows: Float32[np.ndarray, "n 128"], words: Float32[np.ndarray, "k 128"]) -> Float32[np.ndarray, "d"]:
    if len(rows) == 0:
        return np.zeros(words.size, np.float32)
    nearest: Int64[np.ndarray, "n"] = np.argmax(rows @ words.T - 0.5 * (words**2).sum(axis=1), axis=1)
    sums = np.zeros_like(words)
    np.add.at(sums, nearest, rows - words[nearest])
    sums /= np.maximum(np.linalg.norm(sums, axis=1, keepdims=True), 1e-9)
    flat = np.sign(sums) * np.sqrt(np.abs(sums))
    return np.asarray(flat.ravel() / max(float(np.linalg.norm(flat)), 1e-9), np.float32)
