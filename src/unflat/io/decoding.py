"""A guard around foreign decoders: whatever they raise or print on damaged bytes becomes one clear `InputError`."""

from __future__ import annotations

import contextlib
import struct
import threading
import tokenize
import warnings
import zlib
from collections.abc import Iterator

import cv2
from PIL import Image

from unflat.core.errors import InputError

DECODER_ERRORS = (
    # All that Pillow, libheif and OpenCV were seen to raise on hostile bytes; not Exception, so that own errors show.
    OSError,
    ValueError,
    SyntaxError,
    EOFError,
    ArithmeticError,
    LookupError,
    TypeError,
    AttributeError,
    RuntimeError,
    AssertionError,
    struct.error,
    tokenize.TokenError,
    zlib.error,
    cv2.error,
)
"""What a decoder may raise on bytes that are not what they say they are."""
_ONE_AT_A_TIME = threading.RLock()
"""Python's warning filters belong to the process: two threads that change and restore them would leave them changed."""


@contextlib.contextmanager
def decoding(name: str) -> Iterator[None]:
    """Inside, no decoder warns or prints; what it raises becomes an `InputError`.

    Codes: ``truncated``, ``damaged``, ``too-many-pixels``, ``too-many-bytes``.
    """
    log_level = cv2.utils.logging.getLogLevel()
    with _ONE_AT_A_TIME, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
        try:
            yield
        except InputError:
            raise
        except (Image.DecompressionBombError, MemoryError) as error:
            raise InputError(
                f"“{name}” unpacks to more pixels than there is memory for.",
                code="too-many-pixels",
                hint="Scale the picture down first.",
            ) from error
        except DECODER_ERRORS as error:
            raise _explained(name, error) from error
        finally:
            cv2.utils.logging.setLogLevel(log_level)


def _explained(name: str, error: Exception) -> InputError:
    words = str(error).lower()
    if "decompressed data too large" in words or "too much memory used in text" in words:
        return InputError(
            f"“{name}” carries more text than picture: its notes unpack to megabytes.",
            code="too-many-bytes",
            hint="Save the picture again without its metadata.",
        )
    # Words that the decoders use for a file that ends before its picture does.
    if isinstance(error, EOFError) or any(
        word in words for word in ("truncated", "end of file", "not enough", "too short", "premature", "unexpected end")
    ):
        return InputError(
            f"“{name}” ends too early: a part of it is missing.",
            code="truncated",
            hint="Copy or download the picture again.",
        )
    if any(word in words for word in ("unknown pixel mode", "unsupported", "unknown compression")):
        return InputError(
            f"“{name}” is packed in a way that is not read.",
            code="unsupported-format",
            hint="Save it again as JPEG or 8-bit PNG.",
        )
    return InputError(
        f"“{name}” is damaged and can't be decoded.",
        code="damaged",
        hint="Open it in a picture viewer and save it again, or take the original.",
    )
