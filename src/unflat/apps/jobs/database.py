"""The database: an SQLite file in WAL mode, or PostgreSQL by its URL."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, insert, select
from sqlalchemy.engine import make_url
from sqlalchemy.exc import (
    ArgumentError,
    IntegrityError,
    InterfaceError,
    NoSuchModuleError,
    OperationalError,
    ProgrammingError,
)

from unflat.apps.jobs.tables import FACTS, METADATA
from unflat.core.errors import SetupError

AWAY = (OperationalError, InterfaceError)
"""How SQLAlchemy says that a database does not answer: SQLite by the first, pg8000 by the second."""
_SCHEMA = "1"
_BUSY_S = 60.0
"""How long a writer waits for another one; each of ours takes milliseconds."""


class Database:
    """Transactions on one database; safe to use from several threads and processes."""

    def __init__(self, url: str) -> None:
        self.engine = _engine_of(url)
        self._make_tables()

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """A transaction that writes: all of it, or nothing."""
        with self.engine.connect() as plain:
            connection = plain.execution_options(unflat_write=True)
            with connection.begin():
                yield connection

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A transaction that only reads: a picture of one moment."""
        with self.engine.connect() as connection, connection.begin():
            yield connection

    def fact(self, name: str, otherwise: str) -> str:
        """A value that all servers of this database share; the first one to ask sets it."""
        with self.read() as connection:
            found = connection.execute(select(FACTS.c.value).where(FACTS.c.name == name)).scalar()
        if found is not None:
            return str(found)
        try:
            with self.write() as connection:
                connection.execute(insert(FACTS).values(name=name, value=otherwise))
            return otherwise
        except IntegrityError:
            return self.fact(name, otherwise)

    def secret(self) -> bytes:
        """The key that signs links; made once, kept here."""
        return bytes.fromhex(self.fact("secret", secrets.token_hex(32)))

    def close(self) -> None:
        """Let go of all connections."""
        self.engine.dispose()

    def _make_tables(self) -> None:
        try:
            METADATA.create_all(self.engine)
        except (*AWAY, ProgrammingError):
            # Two processes may begin on an empty database at once: the second look finds the tables of the first.
            try:
                METADATA.create_all(self.engine)
            except (*AWAY, ProgrammingError) as error:
                raise _unreachable(self.engine.url.render_as_string(hide_password=True), error) from error
        if (found := self.fact("schema", _SCHEMA)) != _SCHEMA:
            raise SetupError(
                f"The database has tables of version {found}, expected {_SCHEMA}.",
                code="database-version",
                hint="Use the unflat that made it, or begin with a new data folder.",
            )


def _engine_of(url: str) -> Engine:
    try:
        parsed = make_url(url)
        if parsed.drivername in ("postgresql", "postgres"):
            parsed = parsed.set(drivername="postgresql+pg8000")
        if parsed.get_backend_name() == "sqlite":
            engine = create_engine(parsed, pool_size=8, max_overflow=64, connect_args={"timeout": _BUSY_S})
            event.listen(engine, "connect", _prepare_sqlite)
            event.listen(engine, "begin", _begin_sqlite)
            return engine
        if parsed.get_backend_name() != "postgresql":
            raise ArgumentError(f"{parsed.get_backend_name()} is not supported")
        return create_engine(parsed, pool_size=8, max_overflow=64, pool_pre_ping=True)
    except ModuleNotFoundError as error:
        raise SetupError(
            "PostgreSQL needs the driver pg8000.", code="missing-extra", hint="pip install 'unflat[postgres]'"
        ) from error
    except (ArgumentError, NoSuchModuleError) as error:
        raise SetupError(
            f"The database's address can't be used: {error}.",
            code="bad-database",
            hint="Give postgresql://user:password@host/name, or leave it out for a file in the data folder.",
        ) from error


def _prepare_sqlite(connection: Any, _: Any) -> None:
    connection.isolation_level = None  # we say BEGIN ourselves, see _begin_sqlite
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", f"busy_timeout={_BUSY_S * 1000:.0f}"):
        connection.execute(f"PRAGMA {pragma}").close()


def _begin_sqlite(connection: Connection) -> None:
    # A transaction that begins as a reader and then writes fails at once if another one wrote meanwhile.
    writes = connection.get_execution_options().get("unflat_write", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _unreachable(url: str, error: Exception) -> SetupError:
    return SetupError(
        f"The database {url} can't be used: {str(error).splitlines()[0]}.",
        code="database-unreachable",
        hint="Check the address, the password, and that the folder may be written.",
    )
