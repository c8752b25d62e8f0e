"""What every finishing test needs: a reconstruction around a mesh, and a context that remembers its warnings."""

from dataclasses import replace

import numpy as np
import pytest

from unflat.core import Camera, Context, Mesh, Photo, Reconstruction, View, Views
from unflat.geometry.cameras import look_at
from unflat.synth import solids


def _camera():
    pose = look_at(np.array([0.4, 0.3, 3.0]), np.zeros(3), np.array([0.0, 1.0, 0.0]))
    return Camera(16, 12, 20.0, 21.0, 8.0, 6.0, pose, distortion=(0.1, 0.01, 0.0, 0.0, 0.0))


@pytest.fixture
def around():
    """Gives the reconstruction of a mesh, seen by one camera."""
    view = View(Photo(np.zeros((12, 16, 3), np.uint8)), camera=_camera())
    return lambda mesh: Reconstruction(mesh, Views((view,)))


@pytest.fixture
def told():
    """The warnings of a context, and the context."""
    warnings = []
    return warnings, Context(warn=warnings.append)


@pytest.fixture
def ball():
    """A ball of radius 1 and 5,120 faces, each vertex with a colour and a confidence."""
    mesh = solids.sphere(1.0, 64)
    front = (mesh.vertices[:, 2] > 0).astype(np.float32)
    colors = np.rint((mesh.vertices + 1) * 127).astype(np.uint8)
    return replace(mesh, confidence=front, colors=colors)


@pytest.fixture
def without():
    """Gives a mesh without the faces whose centre meets a condition."""

    def drop(mesh, condition):
        keep = ~condition(mesh.triangles.mean(axis=1))
        return Mesh(mesh.vertices, mesh.faces[keep], colors=mesh.colors, confidence=mesh.confidence)

    return drop
