"""Pictures in; a textured, watertight, checked 3D asset out."""

__version__ = "0.1.0"
