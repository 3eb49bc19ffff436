"""Whose case an event finds, by the tables of a real PostgreSQL as the projector writes them."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING

import psycopg
import pytest

from hub.adapters.database.people import MERGERS_MAX, case_of
from hub.adapters.database.schema import upgrade
from hub.adapters.ledger.people import people, people_gone
from hub.cases.case import Case
from hub.cases.identity import Identity
from hub.messages.identifiers import CaseRef, Instant
from hub.topics.person_index import number_digest
from tests.unit.test_hmpps import Keys
from tests.unit.worlds import PROBATION

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable

    from hub.adapters.ledger.people import Indexed

KEYS = Keys()
A, B, C, D = (CaseRef(each * 32) for each in "abcd")
NUMBER = "A1234BC"


def case(ref: CaseRef, *merged: CaseRef, number: str | None = None, opened_at: int = 0) -> Case:
    """Return an open case that carries others on."""
    return Case(
        ref=ref,
        jurisdiction="ENGLAND_AND_WALES",
        opened_at=Instant(opened_at),
        opened_by=PROBATION,
        merged=frozenset(merged),
        identity=Identity(noms=number),
    )


class Index:
    """The tables by which a person's case is found."""

    def __init__(self, connection: psycopg.AsyncConnection) -> None:
        """Work on one connection."""
        self._connection = connection

    async def keep(self, *cases: Case) -> None:
        """Write what the projector writes of each case."""
        for each in cases:
            await self._write(people(each, KEYS))

    async def forget(self, ref: CaseRef) -> None:
        """Write what the projector writes when a case is gone."""
        await self._write(people_gone(ref))

    async def finds(self, number: str = NUMBER) -> CaseRef | None:
        """Look a number up, as the gateway does."""
        return await case_of(self._connection, number_digest(KEYS, number))

    async def _write(self, rows: Iterable[Indexed]) -> None:
        for _, statement, values in rows:
            await self._connection.execute(statement, values)


@pytest.fixture
async def index(fresh_database: str) -> AsyncIterator[Index]:
    """Empty tables."""
    upgrade(fresh_database)
    async with await psycopg.AsyncConnection.connect(fresh_database) as connection:
        yield Index(connection)


@pytest.mark.requirement("R-MSG-13")
async def test_a_merger_of_a_merged_case_is_followed_and_each_link_can_be_undone(index: Index) -> None:
    """A into B, B into C, C into D: the number of A finds D; without a link, the case where it is broken."""
    chain = case(A, number=NUMBER), case(B, A), case(C, B), case(D, C)
    await index.keep(*chain)
    assert await index.finds() == D
    for unmerged, found in ((D, C), (C, B), (B, A)):
        await index.keep(case(unmerged))
        assert await index.finds() == found
        await index.keep(*chain)
        assert await index.finds() == D
    await index.keep(case(D))
    await index.keep(case(C))
    assert await index.finds() == B
    await index.forget(B)
    assert await index.finds() == A


@pytest.mark.requirement("R-MSG-13")
async def test_the_chain_is_found_in_whichever_order_the_cases_are_written(index: Index) -> None:
    """Cases lie on several partitions, and each has a projector of its own."""
    await index.keep(case(D, C), case(B, A), case(C, B), case(A, number=NUMBER))
    assert await index.finds() == D


@pytest.mark.requirement("R-MSG-13")
async def test_mergers_that_go_round_come_to_an_end(index: Index) -> None:
    """So does a chain longer than any is: the lookup is bounded, and still finds a case."""
    await index.keep(case(A, B, number=NUMBER), case(B, A))
    assert await index.finds() == B
    links = [CaseRef(f"{each:032x}") for each in range(MERGERS_MAX + 5)]
    await index.keep(case(links[0], number="A4321CB"))
    for before, after in pairwise(links):
        await index.keep(case(after, before))
    assert await index.finds("A4321CB") == links[MERGERS_MAX]


@pytest.mark.requirement("R-MSG-13")
async def test_of_several_cases_with_the_number_the_one_opened_last_is_found(index: Index) -> None:
    """Or what it is carried on as; a number that was taken back finds nobody."""
    late = case(B, number=NUMBER, opened_at=2)
    await index.keep(case(A, number=NUMBER, opened_at=1), late)
    assert await index.finds() == B
    await index.keep(case(C, B))
    assert await index.finds() == C
    await index.keep(replace(late, identity=Identity()))
    assert await index.finds() == A
    await index.keep(case(A, opened_at=1))
    assert await index.finds() is None
