"""The one place that catches broadly: whatever a stage throws leaves as an error of ours, with its cause."""

from __future__ import annotations

import errno
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from unflat.core import Cancelled, SetupError, StageFailed, UnflatError


@contextmanager
def guarded(stage: str, cancelled: Callable[[], bool]) -> Iterator[None]:
    """A stage under way. Raises `Cancelled` before it begins where the user has stopped the run."""
    if cancelled():
        raise Cancelled
    try:
        yield
    except UnflatError:
        raise
    except KeyboardInterrupt as error:
        raise Cancelled(f"Cancelled during {stage}.") from error
    except MemoryError as error:
        raise SetupError(
            f"There is not enough memory for the {stage} stage.",
            code="out-of-memory",
            hint="Lower texture.size_px, reconstruct.resolution or the size of the photo.",
        ) from error
    except Exception as error:
        if isinstance(error, OSError) and error.errno == errno.ENOSPC:
            raise SetupError("The disk is full.", code="disk-full", hint="Make room and run it again.") from error
        raise StageFailed(
            f"The {stage} stage failed: {type(error).__name__}: {error}.",
            hint="Run it again with --debug and report it with the picture; other recipes may work meanwhile.",
        ) from error
