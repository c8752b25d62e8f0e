"""Which files of this machine an agent may name: those below the folders that the user allows."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from unflat.core import InputError


@dataclass(frozen=True)
class Roots:
    """The allowed folders, resolved."""

    folders: tuple[Path, ...]

    @classmethod
    def of(cls, given: Sequence[str]) -> Roots:
        """The folders named; none named: the current one and the temporary one. Raises `InputError`."""
        folders = [Path(one).expanduser().resolve() for one in given]
        for folder in folders:
            if not folder.is_dir():
                raise InputError(f"--root “{folder}” is no folder.", code="file-not-found", hint="Name a folder.")
        return cls(tuple(folders) or (Path.cwd().resolve(), Path(tempfile.gettempdir()).resolve()))

    def file(self, text: str) -> Path:
        """A file that may be read. Raises `InputError` with code ``path-not-allowed`` or ``file-not-found``."""
        path = self._allowed(text)
        if not path.is_file():
            raise InputError(f"There is no file “{path}”.", code="file-not-found",
                             hint="Give an absolute path, an http(s) address, or a data: URL.")  # fmt: skip
        return path

    def folder(self, text: str) -> Path:
        """A folder that may be written to; it need not be there yet. Raises `InputError`."""
        path = self._allowed(text)
        if path.exists() and not path.is_dir():
            raise InputError(f"“{path}” is a file.", code="not-a-folder", hint="Give a folder to save to.")
        return path

    def _allowed(self, text: str) -> Path:
        """The path with all links followed: what counts is where it leads."""
        try:
            path = Path(text.removeprefix("file://")).expanduser()
            path = (path if path.is_absolute() else self.folders[0] / path).resolve()
        except (OSError, ValueError, RuntimeError) as error:
            raise InputError(f"“{text[:80]}” is no path.", code="file-not-found", hint="Give another one.") from error
        if not any(path.is_relative_to(folder) for folder in self.folders):
            raise InputError(
                f"“{path}” lies outside of what the user allows.",
                code="path-not-allowed",
                hint=f"Allowed: {', '.join(map(str, self.folders))}. The user can add --root DIR to `unflat mcp`.",
            )
        return path
