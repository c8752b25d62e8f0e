"""Nouns survive the way to bytes and back; damaged bytes are told apart; nothing runs code."""

import pickle

import numpy as np
import pytest

from unflat.core import (
    Camera,
    DepthMap,
    Drawing,
    Field,
    Mask,
    Material,
    Mesh,
    Part,
    Photo,
    PointCloud,
    Reconstruction,
    Scale,
    View,
    Views,
)
from unflat.pipeline.store import Unreadable, decode, encode

PHOTO = Photo(np.arange(48, dtype=np.uint8).reshape(4, 4, 3), "ü photo", focal_px=3.5, sha256="abc")
MASK = Mask(np.eye(4, dtype=np.float32), "grabcut", 0.7)
CAMERA = Camera(4, 4, 2.0, 2.0, 2.0, 2.0, np.eye(4))
MESH = Mesh(np.eye(3, dtype=np.float32), np.array([[0, 1, 2]], np.int32), confidence=np.ones(3, np.float32))
VIEW = View(PHOTO, MASK, CAMERA, DepthMap(np.ones((4, 4), np.float32), Scale.METRIC))
NOUNS = [
    VIEW,
    Drawing(PHOTO, MASK, None),
    PointCloud(np.eye(3, dtype=np.float32)),
    Reconstruction(Field(np.ones((2, 2, 2), np.float32), np.zeros(3), 0.5), Views((VIEW,)), Scale.METRIC, MESH),
    Part(MESH, Material("skin", base_color=np.zeros((2, 2, 3), np.uint8), roughness_factor=0.5), "body"),
]


def same(a, b):
    if isinstance(a, np.ndarray):
        return a.dtype == b.dtype and np.array_equal(a, b)
    if hasattr(a, "__dataclass_fields__"):
        return type(a) is type(b) and all(same(getattr(a, name), getattr(b, name)) for name in a.__dataclass_fields__)
    if isinstance(a, tuple):
        return len(a) == len(b) and all(map(same, a, b))
    return a == b


@pytest.mark.parametrize("noun", NOUNS, ids=lambda noun: type(noun).__name__)
def test_a_noun_comes_back_the_same(noun):
    assert same(noun, decode(encode(noun)))


def test_half_a_file_is_unreadable_at_every_cut():
    data = encode(NOUNS[0])
    for cut in range(0, len(data) - 1, max(len(data) // 23, 1)):
        with pytest.raises(Unreadable):
            decode(data[:cut])


def test_a_pickle_is_refused_not_run():
    with pytest.raises(Unreadable):
        decode(pickle.dumps({"a": 1}))


def test_what_is_no_noun_cannot_be_stored():
    with pytest.raises(TypeError):
        encode(object())
