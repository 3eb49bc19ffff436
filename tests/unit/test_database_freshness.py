"""A mailbox waits until the projection has come to where the router was when it was asked."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from hub.adapters.database.freshness import Freshness
from hub.errors import NotCaughtUp, Unreachable

if TYPE_CHECKING:
    from collections.abc import Mapping

LANE = ("hub.outbox", 0)


class Log:
    """A log that grows and a projection that follows, as a test says."""

    def __init__(self) -> None:
        """Begin at the beginning."""
        self.end = self.applied = self.looks = 0

    async def __call__(self) -> Mapping[tuple[str, int], int]:
        """Say where the log ends."""
        self.looks += 1
        await asyncio.sleep(0)
        return {LANE: self.end}

    async def is_behind(self, ends: Mapping[tuple[str, int], int]) -> bool:
        """Tell whether the projection has not come so far."""
        return self.applied < ends[LANE]


def freshness(log: Log, *, timeout_s: float = 5.0) -> Freshness:
    """One who waits for this log's projection."""
    return Freshness(log.is_behind, log, timeout_s=timeout_s)


@pytest.mark.requirement("R-DIS-05")
async def test_who_asks_is_answered_once_what_was_committed_before_is_projected() -> None:
    """Not before, and without waiting for what comes after."""
    log = Log()
    log.end = 3
    waits = asyncio.create_task(freshness(log).wait())
    await asyncio.sleep(0.03)
    assert not waits.done()
    log.end, log.applied = 9, 3
    await asyncio.wait_for(waits, 2)


@pytest.mark.requirement("R-DIS-05")
async def test_who_asks_while_others_wait_is_answered_by_a_look_that_began_after_the_question() -> None:
    """Ten who ask meanwhile share one look, and it is not the one under way."""
    log = Log()
    log.end = 1
    one = freshness(log)
    first = asyncio.create_task(one.wait())
    await asyncio.sleep(0.02)
    log.end = 2
    others = [asyncio.create_task(one.wait()) for _ in range(10)]
    await asyncio.sleep(0.02)
    log.applied = 1
    await asyncio.wait_for(first, 2)
    await asyncio.sleep(0.02)
    assert not any(each.done() for each in others)
    log.applied = 2
    await asyncio.wait_for(asyncio.gather(*others), 2)
    assert log.looks == 2


@pytest.mark.requirement("R-DIS-05")
async def test_who_asks_in_vain_is_told_to_come_again() -> None:
    """A projection that lags, and a broker that does not say: nothing is handed over, for a time."""
    log = Log()
    log.end = 1
    with pytest.raises(NotCaughtUp):
        await freshness(log, timeout_s=0.05).wait()

    async def silent() -> Mapping[tuple[str, int], int]:
        message = "no broker"
        raise Unreachable(message)

    with pytest.raises(NotCaughtUp):
        await Freshness(log.is_behind, silent, timeout_s=5.0).wait()
