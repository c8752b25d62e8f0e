"""The report of a batch: what became of each item, as a table and as a page."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from unflat.apps.batch.extra import need
from unflat.apps.batch.results import Record, Results

STAGES = ("segment", "pose", "reconstruct", "surface", "finish", "texture")

_QUALITY = ("faces", "vertices", "watertight", "manifold", "self_intersections", "volume_m3", "scale", "seen_share")
"""What the table takes over from the quality report."""


@dataclass(frozen=True)
class Report:
    """All items in the order of the input, and what this run did."""

    records: tuple[Record, ...]
    this_run: tuple[str, ...]
    """Names of the items that this run made or failed at."""
    seconds: float
    """Of this run, by the clock."""
    out: str

    @property
    def states(self) -> Counter[str]:
        """How many are made, refused, failed, waiting."""
        return Counter(record["state"] for record in self.records)

    @property
    def failures(self) -> dict[str, list[Record]]:
        """The failures by code, the most frequent first."""
        groups: dict[str, list[Record]] = {}
        for record in self.records:
            if record["state"] == "failed":
                groups.setdefault(record["error"]["code"], []).append(record)
        return dict(sorted(groups.items(), key=lambda group: -len(group[1])))

    @property
    def photos_per_hour(self) -> float | None:
        """Pictures that this run worked through; None where it did nothing."""
        names = set(self.this_run)
        pictures = sum(len(record["pictures"]) for record in self.records if record["name"] in names)
        return pictures / self.seconds * 3600 if pictures and self.seconds > 0 else None

    @property
    def stage_seconds(self) -> dict[str, float]:
        """Mean seconds of each stage over all that was made."""
        made = [record["stages_s"] for record in self.records if "stages_s" in record]
        means = {stage: sum(one.get(stage, 0.0) for one in made) / max(len(made), 1) for stage in STAGES}
        return {stage: seconds for stage, seconds in means.items() if seconds > 0}

    @property
    def seen_share(self) -> float | None:
        """Mean share of surface that a picture saw."""
        shares = [one["quality"]["seen_share"] for record in self.records for one in record.get("assets", [])]
        known = [share for share in shares if share is not None]
        return sum(known) / len(known) if known else None

    @property
    def exit_status(self) -> int:
        """The worst of all items, as the command line has it."""
        status = {"made": 0, "refused": 6, "waiting": 0}
        told = (status.get(record["state"], record.get("error", {}).get("exit_status", 1)) for record in self.records)
        return max(told, default=0)


def write_report(report: Report, results: Results) -> tuple[str, str]:
    """Write ``report.parquet`` and ``report.html`` beside the results; gives where they are."""
    from unflat.apps.batch.page import page_of

    table = results.write("report.parquet", parquet_of(report))
    return table, results.write("report.html", page_of(report).encode())


def parquet_of(report: Report) -> bytes:
    """The table, a row for each item. Columns that the manifest brought come last, as text, under ``manifest_NAME``."""
    arrow = need("pyarrow")
    rows = [row_of(record) for record in report.records]
    carried = sorted({f"manifest_{name}" for record in report.records for name in record["carried"]})
    for row, record in zip(rows, report.records, strict=True):
        row.update(dict.fromkeys(carried))
        row.update({f"manifest_{name}": str(value) for name, value in record["carried"].items()})
    schema = arrow.schema([*_schema(arrow), *((name, arrow.string()) for name in carried)])
    stream = arrow.BufferOutputStream()
    need("pyarrow.parquet").write_table(arrow.Table.from_pylist(rows, schema), stream, compression="zstd")
    return bytes(stream.getvalue().to_pybytes())


def row_of(record: Mapping[str, Any]) -> dict[str, Any]:
    """A record as a row of the table. Quality is that of the first model."""
    assets = record.get("assets", [])
    quality = assets[0]["quality"] if assets else {}
    error = record.get("error", {})
    size = quality.get("size_m") or (None, None, None)
    seen = quality.get("seen_share")
    return {
        **{name: record.get(name) for name in ("name", "state", "pictures", "target", "quality", "seconds", "kind")},
        **{f"seconds_{stage}": record.get("stages_s", {}).get(stage) for stage in STAGES},
        **{name: quality.get(name) for name in _QUALITY},
        **{f"size_{axis}_m": size[number] for number, axis in enumerate("xyz")},
        "inferred_share": None if seen is None else 1 - seen,
        "gate_passed": quality.get("passed"),
        "findings": [finding["code"] for finding in quality.get("findings", [])],
        "models": len(assets),
        "files": [f"{record['name']}/{file['name']}" for asset in assets for file in asset["files"]],
        "bytes": sum(file["bytes"] for asset in assets for file in asset["files"]),
        **{f"error_{name}": error.get(name) for name in ("code", "message", "hint")},
        "warnings": record.get("warnings", []),
        "finished_at": record.get("finished_at"),
        "unflat": record.get("unflat"),
    }


def _schema(arrow: Any) -> list[tuple[str, Any]]:
    text, number, truth, count = arrow.string(), arrow.float64(), arrow.bool_(), arrow.int64()
    texts = arrow.list_(text)
    return [
        ("name", text), ("state", text), ("pictures", texts), ("kind", text), ("target", text), ("quality", text),
        ("seconds", number), *((f"seconds_{stage}", number) for stage in STAGES),
        ("faces", count), ("vertices", count), ("watertight", truth), ("manifold", truth),
        ("self_intersections", count), ("volume_m3", number), ("scale", text),
        *((f"size_{axis}_m", number) for axis in "xyz"), ("seen_share", number), ("inferred_share", number),
        ("gate_passed", truth), ("findings", texts), ("models", count), ("files", texts), ("bytes", count),
        ("error_code", text), ("error_message", text), ("error_hint", text), ("warnings", texts),
        ("finished_at", text), ("unflat", text),
    ]  # fmt: skip
