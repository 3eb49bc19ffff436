"""What tests share: a real Kafka and a real PostgreSQL for each process, and clean ground for each test.

Both are started when the first test asks for them, so that unit tests alone start neither. With
`HUB_KAFKA` or `HUB_DATABASE` set, those are used instead.
"""

from __future__ import annotations

import asyncio
import shutil
import uuid
from typing import TYPE_CHECKING
from urllib.parse import urlsplit, urlunsplit

import hypothesis  # noqa: F401 - else its plugin does, at the end, where a finaliser upsets 3.11's parser
import pytest

from hub.settings import load

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from hub.settings import Settings


OUTCOMES = "hub/outcomes"
_outcomes: dict[str, str] = {}


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Note how a test ended; one that fails for any of its parameters has failed."""
    name = report.nodeid.partition("[")[0]
    if report.failed:
        _outcomes[name] = "failed"
    elif report.skipped:
        _outcomes.setdefault(name, "skipped")
    elif report.when == "call":
        _outcomes.setdefault(name, "passed")


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Keep how tests ended beside what is known of earlier runs, for `hub requirements`."""
    if hasattr(session.config, "workerinput"):
        return  # Whoever started this process is told of every test.
    cache = session.config.cache
    if cache is not None and _outcomes:
        cache.set(OUTCOMES, {**cache.get(OUTCOMES, {}), **_outcomes})


@pytest.fixture(scope="session")
def kafka() -> Iterator[str]:
    """The bootstrap address of the run's Kafka."""
    from hub.adapters.broker import find_or_start

    # A loop of its own: the broker outlives the loops of the tests that use it.
    with asyncio.Runner() as runner:
        started = find_or_start(load(), ephemeral=True)
        yield runner.run(started.__aenter__()).address
        runner.run(started.__aexit__(None, None, None))


@pytest.fixture(scope="session")
def database() -> Iterator[str]:
    """The connection string of the run's PostgreSQL."""
    from hub.adapters.database.server import find_or_start

    with asyncio.Runner() as runner:
        started = find_or_start(load(), ephemeral=True)
        yield runner.run(started.__aenter__()).dsn
        runner.run(started.__aexit__(None, None, None))


@pytest.fixture(autouse=True)
def logs_as_they_were() -> Iterator[None]:
    """A hub that a test starts in this process sets up its logs; the next test finds them as they were."""
    import structlog

    yield
    structlog.reset_defaults()


@pytest.fixture
def topic_prefix() -> str:
    """A beginning for topic, group and transactional names that no other test has."""
    return f"t{uuid.uuid4().hex[:10]}."


@pytest.fixture
def fresh_database(database: str) -> Iterator[str]:
    """The connection string of an empty database that only this test has."""
    import psycopg

    name = f"t{uuid.uuid4().hex[:10]}"
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
        try:
            yield urlunsplit(urlsplit(database)._replace(path=f"/{name}"))
        finally:
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Settings]:
    """Settings that see neither this machine's files nor another test's data, which is erased afterwards."""
    from hub.adapters import broker
    from hub.adapters.database import server

    monkeypatch.chdir(tmp_path)
    made = load(instance=f"t{uuid.uuid4().hex[:10]}")
    yield made
    broker.erase(made)
    server.erase(made)
    # What is left is the hub's own: keys, the gateway's address.
    shutil.rmtree(made.instance_folder, ignore_errors=True)
