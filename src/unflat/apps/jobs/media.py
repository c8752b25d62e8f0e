"""What an uploaded file is, by its content: only kinds that the engine reads are taken, within limits, undecoded."""

from __future__ import annotations

import json
import re
import unicodedata
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from xml.parsers import expat

from unflat.core.errors import InputError

Family = Literal["picture", "film", "model", "text"]
_HEAD_BYTES = 4096
_NAME_CHARACTERS = 120
_MAX_TEXT_BYTES = 64 * 2**20
_MEDIA_TYPES = {
    "jpeg": "image/jpeg", "png": "image/png", "webp": "image/webp", "tiff": "image/tiff", "bmp": "image/bmp",
    "gif": "image/gif", "heif": "image/heic", "avif": "image/avif", "svg": "image/svg+xml", "glb": "model/gltf-binary",
    "gltf": "model/gltf+json", "obj": "model/obj", "ply": "model/ply", "stl": "model/stl", "off": "model/off",
    "3mf": "model/3mf", "usdz": "model/vnd.usdz+zip", "usda": "model/vnd.usda", "usdc": "model/vnd.usdc",
    "mtl": "model/mtl", "film": "video/mp4", "json": "application/json", "xml": "application/xml", "csv": "text/csv",
    "mp4": "video/mp4",
}  # fmt: skip
_ENDINGS = {"jpeg": "jpg", "heif": "heic"}


@dataclass(frozen=True)
class Media:
    """A file that was looked at."""

    family: Family
    ending: str
    """The ending that belongs to its content, without dot."""
    media_type: str
    width_px: int | None = None
    height_px: int | None = None


def media_type_of(name: str) -> str:
    """The media type of a file of ours, by its ending."""
    ending = name.rsplit(".", 1)[-1].lower()
    return _MEDIA_TYPES.get("jpeg" if ending == "jpg" else ending, "application/octet-stream")


def safe_name(name: str, ending: str) -> str:
    """A client's file name without folders, control characters or tricks, with the ending that its content has."""
    plain = unicodedata.normalize("NFC", name.replace("\\", "/").rsplit("/", 1)[-1])
    kept = "".join(c if c.isalnum() or c in " ._-()" else "_" for c in plain if c.isprintable())
    stem = re.sub(r"\.[A-Za-z0-9]{1,5}$", "", kept).strip(" ._")[:_NAME_CHARACTERS].strip(" ._")
    if re.fullmatch(r"(?i)(con|prn|aux|nul|com\d|lpt\d)", stem):
        stem = f"{stem}_"
    return f"{stem or 'file'}.{ending}"


def look_at(path: Path, name: str, max_pixels: int) -> Media:
    """What the file is. Raises `InputError`: ``empty-file``, ``not-a-picture``, ``too-many-pixels``, ``damaged`` …"""
    with path.open("rb") as stream:
        head = stream.read(_HEAD_BYTES)
    if not head:
        raise InputError(f"“{name}” is empty: it has 0 bytes.", code="empty-file", hint="Export or download it again.")
    if head.startswith(b"PK\x03\x04"):
        return _zipped_model(path, name)
    model = _plain_model(path, head, name)
    if model is not None:
        _refuse_reaching_out(path, model, name)
        return _media("model", model)
    from unflat.io.media import media_kind  # loads decoders: only where a file really comes in

    if media_kind(head) == "video":
        return Media("film", "mp4", "video/mp4")
    text = _text(path, head)
    return _media("text", text) if text is not None else _picture(path, name, max_pixels)


def _media(family: Family, kind: str) -> Media:
    return Media(family, _ENDINGS.get(kind, kind), _MEDIA_TYPES[kind])


def _picture(path: Path, name: str, max_pixels: int) -> Media:
    from unflat.io.limits import Limits
    from unflat.io.picture import picture_size
    from unflat.io.signature import picture_format

    data = path.read_bytes()
    kind = picture_format(data, name)
    width, height = picture_size(data, name, Limits(max_pixels=max_pixels))
    return Media("picture", _ENDINGS.get(kind, kind), _MEDIA_TYPES[kind], width, height)


def _zipped_model(path: Path, name: str) -> Media:
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
    except (zipfile.BadZipFile, ValueError, NotImplementedError, OSError, EOFError) as error:
        raise InputError(f"“{name}” is a damaged ZIP file.", code="damaged", hint="Export it again.") from error
    if any(inner.lower().endswith(".model") for inner in names) and "[Content_Types].xml" in names:
        return _media("model", "3mf")
    if names and names[0].lower().endswith((".usda", ".usdc", ".usd")):
        return _media("model", "usdz")
    raise InputError(
        f"“{name}” is a ZIP archive, which is not taken.",
        code="unsupported-format",
        hint="Upload its files one by one.",
    )


def _refuse_reaching_out(path: Path, kind: str, name: str) -> None:
    """Raise `InputError` for a model that could name files of this machine; glTF is held to its folder elsewhere."""
    outside = kind == "obj" and re.search(rb"(?m)^\s*mtllib\b.*([/\\]|\.\.)", path.read_bytes()) is not None
    if kind in ("usda", "usdc") or outside:
        raise InputError(
            f"“{name}” can name files outside of itself, which is not taken.",
            code="unsupported-format",
            hint="Export it as GLB.",
        )


_MARKS = (
    (b"glTF", "glb"), (b"ply\n", "ply"), (b"ply\r", "ply"), (b"#usda", "usda"), (b"PXR-USDC", "usdc"),
    (b"OFF\n", "off"), (b"OFF\r", "off"), (b"OFF ", "off"),
)  # fmt: skip


def _plain_model(path: Path, head: bytes, name: str) -> str | None:
    """The kind of a model file: by how it begins, and where formats have no mark, by its ending and its first lines."""
    marked = next((kind for mark, kind in _MARKS if head.startswith(mark)), None)
    if marked is not None:
        return marked
    size, ending = path.stat().st_size, name.rsplit(".", 1)[-1].lower()
    if size >= 84 and size == 84 + 50 * int.from_bytes(head[80:84], "little"):
        return "stl"
    is_text = {
        "stl": head.lstrip().startswith(b"solid") and b"facet" in head,
        "obj": b"\0" not in head and re.search(rb"(?m)^\s*v\s+-?[\d.]", head) is not None,
        "gltf": head.lstrip().startswith(b"{") and b'"asset"' in head,
    }
    return ending if is_text.get(ending) else None


def _text(path: Path, head: bytes) -> str | None:
    """Cameras come as JSON, XML or CSV; no other text is taken."""
    start = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    if b"\0" in head or path.stat().st_size > _MAX_TEXT_BYTES:
        return None
    if start[:1] in (b"{", b"["):
        try:
            json.loads(path.read_text("utf-8-sig"))
        except (ValueError, RecursionError):
            return None
        return "json"
    if start.startswith((b"<?xml", b"<document")) and b"<svg" not in head:
        return "xml" if _is_harmless_xml(path) else None
    line = start.split(b"\n", 1)[0]
    return "csv" if line.startswith(b"#") and line.count(b",") >= 3 else None


def _is_harmless_xml(path: Path) -> bool:
    """Whether a file is whole XML without a document type, which could name files and unpack without end."""
    parser = expat.ParserCreate()
    parser.StartDoctypeDeclHandler = _refuse_doctype
    try:
        with path.open("rb") as stream:
            parser.ParseFile(stream)
    except (expat.ExpatError, ValueError):
        return False
    return True


def _refuse_doctype(*_: object) -> None:
    raise ValueError("a document type")
