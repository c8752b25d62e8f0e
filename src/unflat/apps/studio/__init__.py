"""The studio's built files: where they lie, how a checkout builds them, and the policy that they are served under.

In: nothing. Out: a folder with `index.html`, `ar.html` and `assets/`, made from the TypeScript in `studio/` at the top
of the repository. A wheel carries them; a checkout builds them when they are first wanted. Must not know the server.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from unflat.core.errors import SetupError

CSP = (
    "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; img-src 'self' blob: data:; "
    "connect-src 'self' blob:; "
    "media-src 'self' blob:; manifest-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
"""The content-security policy of the studio's pages: all from this server, nothing inline; WebAssembly for the decoder
of compressed models."""

_PACKAGE = Path(__file__).parent
_DIST = _PACKAGE / "dist"


def dist() -> Path | None:
    """The folder of the built studio; None where it was not built."""
    return _DIST if (_DIST / "index.html").is_file() else None


def sources() -> Path | None:
    """The studio's TypeScript, if this is a checkout; None in an installed wheel."""
    folder = _PACKAGE.parents[3] / "studio"
    return folder if (folder / "package-lock.json").is_file() else None


def ensure_built(tell: Callable[[str], None] = lambda _: None) -> Path:
    """The built files; in a checkout they are built first where they are missing or older than their sources.

    Raises `SetupError` (``studio-not-built``). Built files that are only old are used where they can't be renewed.
    """
    from unflat.apps.studio.build import BuildFailed, build, is_fresh

    source = sources()
    if source is not None and not is_fresh(source, _DIST):
        try:
            build(source, _DIST, tell)
        except BuildFailed as failed:
            if dist() is None:
                raise SetupError(str(failed), hint=failed.hint, code="studio-not-built") from failed
            tell(f"studio: the built files are older than their sources, and could not be renewed: {failed}")
    found = dist()
    if found is None:
        raise SetupError(
            "This install has no studio: it was made without Node.",
            hint="pip install --force-reinstall --no-deps unflat, with a network; `unflat serve` works without it.",
            code="studio-not-built",
        )
    return found
