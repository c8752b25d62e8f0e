"""The tables. Times are seconds since 1970, structured values JSON text: the same on SQLite and PostgreSQL."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Float, Index, Integer, MetaData, String, Table, Text, UniqueConstraint

METADATA = MetaData()
_BIG = BigInteger().with_variant(Integer, "sqlite")

JOBS = Table(
    "jobs",
    METADATA,
    Column("id", String(36), primary_key=True),
    Column("owner", String(36), nullable=False, default=""),
    Column("door", String(40), nullable=False, default="v1"),
    Column("lane", String(8), nullable=False, default="main"),
    Column("kind", String(16), nullable=False),
    Column("state", String(12), nullable=False),
    Column("priority", Integer, nullable=False, default=0),
    Column("created_at", Float, nullable=False),
    Column("not_before", Float, nullable=False, default=0.0),
    Column("started_at", Float),
    Column("finished_at", Float),
    Column("attempts", Integer, nullable=False, default=0),
    Column("crashes", Integer, nullable=False, default=0),
    Column("worker", String(120)),
    Column("lease_until", Float),
    Column("cancel_at", Float),
    Column("order", Text, nullable=False),
    Column("extra", Text, nullable=False, default="{}"),
    Column("progress", Text),
    Column("warnings", Text, nullable=False, default="[]"),
    Column("error", Text),
    Column("assets", Text, nullable=False, default="[]"),
    Column("timings_s", Text, nullable=False, default="{}"),
    Column("bytes", _BIG, nullable=False, default=0),
    Column("webhook", Text),
    Column("idempotency_key", String(200)),
    Column("digest", String(64)),
    UniqueConstraint("owner", "idempotency_key"),
    Index("jobs_by_turn", "state", "lane", "priority", "created_at"),
    Index("jobs_by_owner", "owner", "id"),
)
EVENTS = Table(
    "events",
    METADATA,
    Column("id", _BIG, primary_key=True, autoincrement=True),
    Column("job", String(36), nullable=False),
    Column("at", Float, nullable=False),
    Column("event", String(12), nullable=False),
    Column("data", Text, nullable=False),
    Index("events_by_job", "job", "id"),
    sqlite_autoincrement=True,
)
FILES = Table(
    "files",
    METADATA,
    Column("id", String(36), primary_key=True),
    Column("owner", String(36), nullable=False, default=""),
    Column("name", String(200), nullable=False),
    Column("ending", String(12), nullable=False),
    Column("media_type", String(80), nullable=False),
    Column("family", String(12), nullable=False),
    Column("bytes", _BIG, nullable=False),
    Column("width_px", Integer),
    Column("height_px", Integer),
    Column("sha256", String(64), nullable=False),
    Column("created_at", Float, nullable=False),
    Index("files_by_owner", "owner", "created_at"),
)
WORKERS = Table(
    "workers",
    METADATA,
    Column("name", String(120), primary_key=True),
    Column("supervisor", String(120), nullable=False),
    Column("lane", String(8), nullable=False),
    Column("ready", Integer, nullable=False, default=0),
    Column("seen_at", Float, nullable=False),
)
TOKENS = Table(
    "tokens",
    METADATA,
    Column("id", String(36), primary_key=True),
    Column("name", String(100), nullable=False),
    Column("sha256", String(64), nullable=False, unique=True),
    Column("beginning", String(12), nullable=False),
    Column("scope", String(8), nullable=False),
    Column("created_at", Float, nullable=False),
    Column("revoked_at", Float),
    Column("max_jobs", Integer),
    Column("max_bytes", _BIG),
)
DELIVERIES = Table(
    "deliveries",
    METADATA,
    Column("id", String(36), primary_key=True),
    Column("job", String(36), nullable=False),
    Column("url", Text, nullable=False),
    Column("secret", Text, nullable=False),
    Column("body", Text, nullable=False),
    Column("attempts", Integer, nullable=False, default=0),
    Column("next_at", Float),
    Column("done_at", Float),
    Column("problem", Text),
    Index("deliveries_by_time", "next_at"),
)
FACTS = Table("facts", METADATA, Column("name", String(40), primary_key=True), Column("value", Text, nullable=False))
