"""The verbs: segment, reconstruct, surface, finish, texture, check. Knows no recipe and no door.

Each folder's first page holds its protocol, each other file one backend: a frozen dataclass of its options, with a
line of help under each field, and `__call__`. Backends do not import each other. `builtin.py` declares them all
without importing them; packages of others join through the entry-point group ``unflat.backends``.
"""
