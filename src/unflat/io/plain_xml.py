"""XML of others, parsed without the parts that can be turned against the reader."""

from __future__ import annotations

from pathlib import Path
from xml.etree.ElementTree import Element, ParseError, TreeBuilder, XMLParser

from unflat.core.errors import InputError
from unflat.io.camera_frame import bad_cameras
from unflat.io.limits import DEFAULT_LIMITS
from unflat.io.source import read_file


class _WithoutDoctype(TreeBuilder):
    """Refuses a document type before its entities are read: a few of them can unfold to gigabytes."""

    def doctype(self, name: str, public_id: str | None, system_id: str | None) -> None:
        """Called by the parser where a document type begins."""
        raise InputError(
            f"The XML declares the document type “{name}”, which is not read.",
            code="bad-cameras",
            hint="Export the cameras again; the programs that are read write none.",
        )


def parse_xml(path: Path) -> Element:
    """The root of an XML file without document type.

    Raises `InputError` with code ``bad-cameras``, or as `read_photo` for the file itself.
    """
    parser = XMLParser(target=_WithoutDoctype())
    try:
        parser.feed(read_file(path, DEFAULT_LIMITS))
        root: Element = parser.close()
    except (ParseError, ValueError, LookupError) as error:  # LookupError: an encoding that nobody knows
        raise bad_cameras(path, f"is no valid XML ({error})", "Export the cameras again.") from error
    return root
