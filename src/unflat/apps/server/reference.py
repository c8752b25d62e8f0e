"""`/docs`: the API's description as a plain page: no script, no address of others, so it works offline."""

from __future__ import annotations

from base64 import b64encode
from hashlib import sha256
from html import escape
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

ROUTER = APIRouter()
_STYLE = (
    "body{font:16px/1.5 system-ui;max-width:52rem;margin:2rem auto;padding:0 1rem;color-scheme:light dark}"
    "code{font-size:.95em}dt{font-weight:600;margin-top:.6rem}dd{margin-left:1.5rem}"
)
_CSP = f"default-src 'none'; style-src 'sha256-{b64encode(sha256(_STYLE.encode()).digest()).decode()}'; base-uri 'none'"
"""This one style and nothing else."""
_HEAD = f"""<!doctype html><html lang="en"><meta charset="utf-8"><title>unflat: the API</title>
<meta name="viewport" content="width=device-width"><style>{_STYLE}</style>
<h1>unflat: the API</h1><p>For machines: <a href="/openapi.json">/openapi.json</a>. Errors look like
<code>{{"error": {{"code", "message", "hint"}}}}</code>.
Send <code>Authorization: Bearer TOKEN</code> where a token exists.</p>
"""


@ROUTER.get("/docs", include_in_schema=False, response_class=HTMLResponse)
def docs(request: Request) -> HTMLResponse:
    """Every call, then every field of an order."""
    schema: dict[str, Any] = request.app.openapi()
    calls = [
        f"<dt><code>{method.upper()} {escape(path)}</code></dt><dd>{escape(_words(call))}</dd>"
        for path, methods in schema["paths"].items()
        for method, call in methods.items()
    ]
    fields = [
        f"<dt><code>{escape(name)}</code></dt><dd>{escape(str(field.get('description', '')))} {_default(field)}</dd>"
        for name, field in schema["components"]["schemas"]["Order"]["properties"].items()
    ]
    page = f"{_HEAD}<h2>Calls</h2><dl>{''.join(calls)}</dl><h2>Order</h2><dl>{''.join(fields)}</dl></html>"
    return HTMLResponse(page, headers={"Content-Security-Policy": _CSP})


def _words(call: dict[str, Any]) -> str:
    return str(call.get("description") or call.get("summary") or "").replace("\n", " ")


def _default(field: dict[str, Any]) -> str:
    choices = field.get("enum")
    told = [f"One of {', '.join(escape(repr(choice)) for choice in choices)}."] if choices else []
    if "default" in field:
        told.append(f"Default: <code>{escape(repr(field['default']))}</code>.")
    return " ".join(told)
