"""Arrays inside nouns cannot be written to: this file makes them so."""

from __future__ import annotations

import numpy as np

from unflat.core.errors import InputError


def readonly(array: np.ndarray) -> np.ndarray:
    """A read-only view of the array; no copy."""
    view = array.view()
    view.flags.writeable = False
    return view


def freeze_fields(noun: object, *names: str) -> None:
    """Make the named array fields of a frozen dataclass read-only (None is let be). Call from ``__post_init__``."""
    for name in names:
        value = getattr(noun, name)
        if value is not None:
            object.__setattr__(noun, name, readonly(value))


def require(condition: bool, message: str, *, code: str, hint: str) -> None:
    """Raise `InputError` unless the condition holds: how nouns check themselves."""
    if not condition:
        raise InputError(message, hint=hint, code=code)
