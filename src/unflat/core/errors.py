"""What can go wrong, as one tree: each error has a stable code, an exit status and an HTTP status.

The message says what was expected, what was found and where; the hint says what to do now.
"""

from __future__ import annotations

from typing import ClassVar


class UnflatError(Exception):
    """Base of all errors that unflat raises on purpose.

    ``code`` is stable and may be matched by programs; the words of the message may change.
    """

    default_code: ClassVar[str] = "error"
    exit_status: ClassVar[int] = 1
    http_status: ClassVar[int] = 500

    def __init__(self, message: str, *, hint: str, code: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.code = code or self.default_code


class InputError(UnflatError):
    """What was given can't be used: unreadable, empty, too large, of another size, nothing in the picture."""

    default_code = "input"
    exit_status = 2
    http_status = 422


class RecipeError(UnflatError):
    """A recipe, an option or a name that does not exist or does not fit."""

    default_code = "recipe"
    exit_status = 3
    http_status = 400


class SetupError(UnflatError):
    """The machine lacks something: an extra, weights, a device, memory, room on the disk, a permission."""

    default_code = "setup"
    exit_status = 4
    http_status = 503


class StageFailed(UnflatError):
    """A stage broke although its input was accepted. The cause is chained."""

    default_code = "stage-failed"
    exit_status = 5
    http_status = 500


class GateRefused(UnflatError):
    """The asset was made, but does not meet the target that was asked for."""

    default_code = "gate-refused"
    exit_status = 6
    http_status = 409


class Cancelled(UnflatError):
    """The user stopped the run. What was made before stays on disk."""

    default_code = "cancelled"
    exit_status = 130
    http_status = 499

    def __init__(self, message: str = "Cancelled.", *, hint: str = "Run the same command again to go on.") -> None:
        super().__init__(message, hint=hint)


ERROR_KINDS: tuple[type[UnflatError], ...] = (InputError, RecipeError, SetupError, StageFailed, GateRefused, Cancelled)
"""Every kind, for the table of exit and HTTP statuses in the docs."""
