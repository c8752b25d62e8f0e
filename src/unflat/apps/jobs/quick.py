"""Quick work that a client waits for: a mask, a check. It runs in a worker too, under the same limits."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from unflat.apps.jobs.fulfilment import check_report, marks


def quick_result(order: dict[str, Any], picture: Path, out: Path) -> dict[str, Any]:
    """What the quick order asks: for a mask also the file `out`. Raises `UnflatError`."""
    if order["kind"] == "quick-check":
        return {"report": check_report(picture, order["target"])}
    return _mask(order, picture, out)


def _mask(order: dict[str, Any], picture: Path, out: Path) -> dict[str, Any]:
    import numpy as np
    from PIL import Image

    from unflat.core import Context, Drawing
    from unflat.io.photo import read_photo
    from unflat.pipeline.intake import WORKING_SIDE_PX
    from unflat.stages.catalog import find_card
    from unflat.stages.options import build

    photo = read_photo(picture, max_side_px=WORKING_SIDE_PX)
    settings = {key.removeprefix("segment."): value for key, value in
                marks(order.get("box"), order.get("clicks"), picture).items()}  # fmt: skip
    warnings: list[str] = []
    view = build(find_card("segment", "auto").load(), settings, where="segment")(photo, Context(warn=warnings.append))
    assert not isinstance(view, Drawing) and view.mask is not None
    mask = view.mask
    Image.fromarray(np.uint8(np.rint(mask.alpha * 255))).save(out)
    rows, columns = np.nonzero(mask.solid.any(axis=1))[0], np.nonzero(mask.solid.any(axis=0))[0]
    factor = max(photo.file_size_px) / max(photo.width, photo.height) if photo.file_size_px else 1.0
    box = [float(side * factor) for side in (columns[0], rows[0], columns[-1] + 1, rows[-1] + 1)]
    return {
        "box": box,
        "confidence": mask.confidence,
        "made_by": mask.made_by,
        "share": float(mask.solid.mean()),
        "warnings": warnings,
    }
