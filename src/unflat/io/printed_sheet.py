"""Sheets to print as PDF, SVG or PNG; lengths are exact, and the PDF asks viewers not to scale it."""

from __future__ import annotations

import io
import zlib
from xml.sax.saxutils import escape

from PIL import Image, ImageDraw, ImageFont

from unflat.core.errors import RecipeError
from unflat.geometry.marker_sheet import Label, PrintedSheet

SHEET_ENDINGS = ("pdf", "svg", "png")
PNG_DOTS_PER_INCH = 600
_POINTS_PER_MM = 72 / 25.4
_MM_PER_INCH = 25.4


def sheet_bytes(sheet: PrintedSheet, ending: str) -> bytes:
    """The file. Raises `RecipeError` (``unknown-format``) for another ending than those of `SHEET_ENDINGS`."""
    writers = {"pdf": _pdf, "svg": _svg, "png": _png}
    if ending not in writers:
        raise RecipeError(
            f"A sheet can't be written as “{ending}”.",
            code="unknown-format",
            hint=f"Write one of {', '.join(SHEET_ENDINGS)}.",
        )
    return writers[ending](sheet)


def _pdf(sheet: PrintedSheet) -> bytes:
    """PDF 1.6 (ISO 32000-1): one page, one path of all bars, so that no seams show; text in the viewer's Helvetica."""
    k, height = _POINTS_PER_MM, sheet.height_mm * _POINTS_PER_MM
    bars = "\n".join(f"{left:.4f} {top:.4f} {wide:.4f} {high:.4f} re" for left, top, wide, high in sheet.bars)
    texts = "\n".join(
        f"BT /F1 {label.size_mm * k:.3f} Tf {label.left_mm * k:.3f} {height - label.baseline_mm * k:.3f} Td "
        f"({_pdf_text(label)}) Tj ET"
        for label in sheet.labels
    )
    content = zlib.compress(f"q {k:.8f} 0 0 {-k:.8f} 0 {height:.6f} cm\n{bars}\nf Q\n{texts}".encode("cp1252"), 9)
    box = f"[0 0 {sheet.width_mm * k:.4f} {height:.4f}]"
    objects = (
        b"<< /Type /Catalog /Pages 2 0 R /ViewerPreferences << /PrintScaling /None >> >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        f"<< /Type /Page /Parent 2 0 R /MediaBox {box} /Contents 4 0 R "
        "/Resources << /Font << /F1 5 0 R >> >> >>".encode(),
        f"<< /Length {len(content)} /Filter /FlateDecode >>\nstream\n".encode() + content + b"\nendstream",
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>",
    )
    return _pdf_file(objects)


def _pdf_file(objects: tuple[bytes, ...]) -> bytes:
    """The objects, numbered from 1, with the table that says where each begins."""
    written, places = b"%PDF-1.6\n%\xe2\xe3\xcf\xd3\n", []
    for number, content in enumerate(objects, start=1):
        places.append(len(written))
        written += b"%d 0 obj\n" % number + content + b"\nendobj\n"
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    count = len(objects) + 1
    trailer = b"trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (count, len(written))
    return written + b"xref\n0 %d\n0000000000 65535 f \n" % count + table + trailer


def _pdf_text(label: Label) -> str:
    return label.text.replace("\\", "\\\\").replace("(", "\\(").replace(")", "\\)")


def _svg(sheet: PrintedSheet) -> bytes:
    width, height = f"{sheet.width_mm:g}", f"{sheet.height_mm:g}"
    path = "".join(f"M{left:.4f} {top:.4f}h{wide:.4f}v{high:.4f}h{-wide:.4f}z" for left, top, wide, high in sheet.bars)
    texts = "".join(
        f'<text x="{label.left_mm:.3f}" y="{label.baseline_mm:.3f}" font-size="{label.size_mm:.3f}" '
        f'font-family="Helvetica, Arial, sans-serif">{escape(label.text)}</text>\n'
        for label in sheet.labels
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}mm" height="{height}mm" '
        f'viewBox="0 0 {width} {height}">\n<path fill="#fff" d="M0 0h{width}v{height}H0z"/>\n'
        f'<path fill="#000" d="{path}"/>\n{texts}</svg>\n'
    ).encode()


def _png(sheet: PrintedSheet) -> bytes:
    per_mm = PNG_DOTS_PER_INCH / _MM_PER_INCH
    image = Image.new("L", (round(sheet.width_mm * per_mm), round(sheet.height_mm * per_mm)), 255)
    draw = ImageDraw.Draw(image)
    for left, top, wide, high in sheet.bars:
        right, bottom = round((left + wide) * per_mm) - 1, round((top + high) * per_mm) - 1
        draw.rectangle((round(left * per_mm), round(top * per_mm), right, bottom), fill=0)
    for label in sheet.labels:
        font = ImageFont.load_default(size=label.size_mm * per_mm)
        draw.text((label.left_mm * per_mm, label.baseline_mm * per_mm), label.text, fill=0, font=font, anchor="ls")
    stream = io.BytesIO()
    image.save(stream, "PNG", dpi=(PNG_DOTS_PER_INCH, PNG_DOTS_PER_INCH))
    return stream.getvalue()
