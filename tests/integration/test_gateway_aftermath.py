"""What is left behind at the door: failed attempts, erased cases, old rows, and the trace of a request."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from structlog.testing import capture_logs

from hub.adapters.gateway import GatewayLimits, forget_old_attempts
from hub.adapters.gateway.limits import ForgettingLimits
from hub.adapters.kafka.intake import IntakePublisher
from hub.messages.envelope import MessageName
from hub.topics.keys import FileKeyStore, case_key
from tests.faults import reading
from tests.integration.door import body, idempotent, open_door

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from hub.messages.envelope import Submission
    from hub.settings import Settings
    from tests.integration.door import Door


@pytest.fixture
async def door(
    kafka: str, fresh_database: str, topic_prefix: str, settings: Settings, tmp_path: Path
) -> AsyncIterator[Door]:
    """An open gateway whose intake is on Kafka."""
    async with open_door(
        dsn=fresh_database, settings=settings, folder=tmp_path, kafka=kafka, prefix=topic_prefix
    ) as opened:
        yield opened


class Faulty:
    """A log that fails once in a way nobody foresaw, or does not come back in time."""

    def __init__(self, real: IntakePublisher, *, fault: Exception | None) -> None:
        """Raise this once, or, without one, hang once."""
        self._real, self._fault, self._left = real, fault, 1

    async def publish(self, submission: Submission) -> object:
        """Fail, and append from then on."""
        if self._left:
            self._left = 0
            if self._fault is not None:
                raise self._fault
            await asyncio.sleep(30)
        return await self._real.publish(submission)


@pytest.mark.parametrize(
    ("fault", "code"), [(LookupError("canary"), "internal"), (None, "timed-out")], ids=["fault", "hang"]
)
@pytest.mark.requirement("R-DEL-02")
async def test_sender_may_retry_at_once_however_the_first_attempt_failed(  # noqa: PLR0913 - fixtures
    kafka: str,
    fresh_database: str,
    topic_prefix: str,
    settings: Settings,
    tmp_path: Path,
    *,
    fault: Exception | None,
    code: str,
) -> None:
    """An attempt is over when it has failed, whatever it failed of: the retry is taken, not told to wait."""
    async with open_door(
        dsn=fresh_database, settings=settings, folder=tmp_path, kafka=kafka, prefix=topic_prefix
    ) as door:
        real = IntakePublisher(kafka, codec=door.codec, catalogue=door.catalogue)
        await real.start()
        limits = GatewayLimits(request_timeout_s=0.5)
        faulty = open_door(
            dsn=fresh_database,
            settings=settings,
            folder=tmp_path,
            intake=Faulty(real, fault=fault),
            limits=limits,
        )
        async with faulty as other:
            headers = idempotent()
            async with await other.client() as client:
                failed = await client.post("/v1/progress", json=body(), headers=headers)
                taken = await client.post("/v1/progress", json=body(), headers=headers)
        await real.stop()
        appended = await door.appended()
    assert (failed.json()["code"], failed.json()["retryable"]) == (code, True)
    assert "canary" not in failed.text
    assert taken.status_code == 202
    assert len(appended) == 1


@pytest.mark.requirement("R-AUD-04")
async def test_erased_case_is_answered_like_one_there_never_was(door: Door, tmp_path: Path) -> None:
    """To its sender erasure does not show, and no post makes a key for what has none."""
    async with await door.client() as client:
        opening = idempotent()
        opened = await client.post("/v1/cases", json=body(MessageName.CASE), headers=opening)
        (case,) = [each.envelope.case for each in await door.appended()]
        keys = door.codec.keys
        assert isinstance(keys, FileKeyStore)
        keys.erase(case_key(case))
        before = case_files(tmp_path)
        posted = body(case=opened.json()["case"])
        erased = await client.post("/v1/progress", json=posted, headers=idempotent())
        unknown = await client.post("/v1/progress", json=body(), headers=idempotent())
        # The row of the opening is forgotten by now; a late repeat would name the same case.
        await door.rows("DELETE FROM idempotency WHERE route = '/v1/cases'")
        reopened = await client.post("/v1/cases", json=body(MessageName.CASE), headers=opening)
    assert erased.status_code == unknown.status_code == reopened.status_code == 202
    assert erased.json().keys() == unknown.json().keys()
    assert dict(erased.headers).keys() == dict(unknown.headers).keys()
    assert reopened.json() == opened.json()
    assert case_files(tmp_path) == before == {f"case-{case}": b""}
    # What was sealed under the erased key is gone; the three later posts can be read, to be refused.
    assert [each.envelope.case for each in await door.appended()].count(case) == 2
    assert len(await door.appended()) == 3


def case_files(folder: Path) -> dict[str, bytes]:
    """The key files of cases, hidden ones too, and what they hold."""
    return {path.name: path.read_bytes() for path in (folder / "keys").iterdir() if "case" in path.name}


@pytest.mark.requirement("R-DEL-02")
async def test_old_attempts_are_forgotten_in_batches_and_young_ones_kept(door: Door) -> None:
    """At the start and from time to time; a message whose row is gone is still its sender's to ask after."""
    await door.rows(
        """
        INSERT INTO idempotency (organisation, route, key, digest, message_id, created_at)
        SELECT 'harbour-trust', '/v1/progress', n::text, '', n::text, now() - make_interval(hours => n * 24)
          FROM generate_series(1, 12) AS n
        """
    )
    stop = asyncio.Event()
    limits = ForgettingLimits(every_s=0.1, rows_max=2)
    forgetting = asyncio.create_task(forget_old_attempts(door.pool, days=7, stop=stop, limits=limits))
    kept = await settled(door, 6)
    await door.rows("UPDATE idempotency SET created_at = now() - make_interval(days => 8) WHERE key = '1'")
    later = await settled(door, 5)
    stop.set()
    async with asyncio.timeout(2):
        await forgetting
    assert kept == {"1", "2", "3", "4", "5", "6"}
    assert later == {"2", "3", "4", "5", "6"}


async def settled(door: Door, count: int) -> set[str]:
    """The keys remembered, once there are so many."""
    async with asyncio.timeout(10):
        while True:
            rows = await door.rows("SELECT key FROM idempotency")
            if len(rows) == count:
                return {row[0] for row in rows}
            await asyncio.sleep(0.05)


async def test_forgetting_outlives_a_database_that_does_not_answer(door: Door) -> None:
    """It is put off and logged, and ends when told to."""
    await door.pool.close()
    stop = asyncio.Event()
    limits = ForgettingLimits(every_s=0.01)
    with capture_logs() as logs:
        forgetting = asyncio.create_task(forget_old_attempts(door.pool, days=7, stop=stop, limits=limits))
        await asyncio.sleep(0.3)
        stop.set()
        async with asyncio.timeout(2):
            await forgetting
    assert len(logs) > 1
    assert {line["event"] for line in logs} == {"gateway.forgetting_put_off"}


async def test_message_in_the_log_names_the_trace_that_the_gateways_log_names(
    door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From a request's line of log an operator finds what the router made of its message."""
    monkeypatch.setattr(trace, "_TRACER_PROVIDER", TracerProvider())
    with capture_logs() as logs:
        async with await door.client() as client:
            taken = await client.post("/v1/progress", json=body(), headers=idempotent())
    found: list[bytes] = []
    for record in await reading.read(door.bootstrap, door.catalogue.intake):
        found += [value for name, value in record.headers if name == "traceparent"]
    (line,) = [line for line in logs if line["event"] == "gateway.request"]
    assert [each.decode().split("-")[1] for each in found] == [line["trace_id"]]
    assert "trace_id" not in taken.json()
