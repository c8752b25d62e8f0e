"""Logs as JSON, a line for each event, on standard error."""

from __future__ import annotations

import json
import logging
import sys
import time

_USUAL = frozenset(logging.LogRecord("", 0, "", 0, "", None, None).__dict__) | {"message", "asctime", "taskName"}


class JsonLines(logging.Formatter):
    """A record as one JSON object, with all that was given as `extra`."""

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        moment = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
        told = {"at": f"{moment}.{int(record.msecs):03d}Z", "level": record.levelname.lower(), "log": record.name,
                "event": record.getMessage()}  # fmt: skip
        told |= {name: value for name, value in record.__dict__.items() if name not in _USUAL and value is not None}
        if record.exc_info:
            told["trace"] = self.formatException(record.exc_info)
        return json.dumps(told, default=str)


def log_as_json(level: str = "info") -> None:
    """Send all records of ours and of the web server to standard error."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines())
    for name in ("unflat", "uvicorn.error"):
        logger = logging.getLogger(name)
        logger.handlers, logger.propagate = [handler], False
        logger.setLevel(level.upper())
    logging.getLogger("uvicorn.access").disabled = True
