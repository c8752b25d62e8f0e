"""The report as a page that needs nothing else: thumbnails, a table that sorts and filters, failures by code."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from pathlib import Path
from typing import Any
from urllib.parse import quote

from unflat import __version__
from unflat.apps.batch.report import Report
from unflat.apps.batch.results import Record

_TEMPLATE = Path(__file__).parent / "page.html"
_COLUMNS = ("", "Name", "State", "Seconds", "Faces", "Seen", "Size", "Findings")
_SHOWN_NAMES = 12
"""Names listed under a group of failures; the table has all."""


def page_of(report: Report) -> str:
    """The whole page."""
    states = report.states
    total = len(report.records)
    parts = {
        "title": f"{states['made'] + states['refused']} of {total} became models",
        "place": escape(report.out),
        "version": escape(__version__),
        "facts": "".join(f"<div><b>{value}</b><span>{name}</span></div>" for name, value in _facts(report)),
        "stages": _stages(report),
        "failures": "".join(_group(code, records) for code, records in report.failures.items()),
        "head": "".join(f'<th scope="col">{_head(name)}</th>' for name in (*_COLUMNS, *_carried(report))),
        "rows": "".join(_row(record, _carried(report)) for record in report.records),
    }
    text = _TEMPLATE.read_text("utf-8")
    for name, content in parts.items():
        text = text.replace(f"<!--{name}-->", content)
    return text


def _facts(report: Report) -> list[tuple[str, str]]:
    states = report.states
    facts = [("made", f"{states['made']:,}")]
    facts += [(name, f"{states[state]:,}") for state, name in (
        ("refused", "made, but refused by their target"), ("failed", "failed"), ("waiting", "still to do"),
    ) if states[state]]  # fmt: skip
    if report.photos_per_hour is not None:
        facts.append((f"photos per hour, in this run of {_duration(report.seconds)}", f"{report.photos_per_hour:,.0f}"))
    if report.seen_share is not None:
        facts.append(("of the surface was seen, on average; the rest is inferred", f"{report.seen_share:.0%}"))
    judged = [record for record in report.records if record.get("target") and record["state"] in ("made", "refused")]
    if judged:
        passed = sum(record["state"] == "made" for record in judged)
        facts.append(("met their target", f"{passed:,} of {len(judged):,}"))
    return facts


def _stages(report: Report) -> str:
    seconds = report.stage_seconds
    total = sum(seconds.values()) or 1.0
    rows = (
        f'<tr><th scope="row">{stage}</th><td>{spent:.2f} s</td>'
        f'<td><progress max="1" value="{spent / total:.3f}">{spent / total:.0%}</progress></td></tr>'
        for stage, spent in seconds.items()
    )
    return f"<h2>Seconds by stage, on average</h2><table class=stages>{''.join(rows)}</table>" if seconds else ""


def _group(code: str, records: list[Record]) -> str:
    error = records[0]["error"]
    names = ", ".join(escape(record["name"]) for record in records[:_SHOWN_NAMES])
    more = f" and {len(records) - _SHOWN_NAMES:,} more" if len(records) > _SHOWN_NAMES else ""
    return (
        f"<section><h3>{len(records):,} × <code>{escape(code)}</code></h3><p>{escape(error['message'])}</p>"
        f"<p>→ {escape(error['hint'])}</p><p class=names>{names}{more}</p></section>"
    )


def _row(record: Record, carried: tuple[str, ...]) -> str:
    assets = record.get("assets", [])
    quality = assets[0]["quality"] if assets else {}
    thumb = record.get("thumb")
    name = escape(record["name"])
    picture = f'<img src="{escape(thumb)}" alt="" loading="lazy" decoding="async">' if thumb else ""
    findings = "; ".join(finding["message"] for finding in quality.get("findings", []))
    said = record["error"]["message"] if "error" in record else findings
    cells = [
        (picture, ""),
        (_links(record, name), name),
        (f'<span class="{record["state"]}">{record["state"]}</span>', record["state"]),
        _number(record.get("seconds"), "{:.1f}"),
        _number(quality.get("faces"), "{:,}"),
        _number(quality.get("seen_share"), "{:.0%}"),
        (_size(quality), ""),
        (escape(said), escape(said)),
        *((escape(str(value)), escape(str(value))) for value in (record["carried"].get(one, "") for one in carried)),
    ]
    return "<tr>" + "".join(f'<td data-v="{value}">{shown}</td>' for shown, value in cells) + "</tr>\n"


def _links(record: Mapping[str, Any], name: str) -> str:
    """The name and a link to each file; paths begin at the report."""
    links = (
        f'<a href="{quote(record["name"])}/{quote(file["name"])}">{escape(file["name"].rpartition(".")[2])}</a>'
        for asset in record.get("assets", [])
        for file in asset["files"]
    )
    return f"{name}<br><small>{' '.join(links)}</small>"


def _size(quality: Mapping[str, Any]) -> str:
    size = quality.get("size_m")
    if not size:
        return ""
    if quality.get("scale") != "metric":
        return "real size unknown"
    return " × ".join(f"{side * 100:.3g}" for side in size) + " cm"


def _number(value: float | None, form: str) -> tuple[str, str]:
    return ("", "-1") if value is None else (form.format(value), f"{value}")


def _carried(report: Report) -> tuple[str, ...]:
    return tuple(sorted({name for record in report.records for name in record["carried"]}))


def _head(name: str) -> str:
    return f"<button>{escape(name)}</button>" if name else "Photo, model"


def _duration(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"
