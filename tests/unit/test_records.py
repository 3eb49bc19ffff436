"""Records that are cheap to make and to alter: each way does what the slow one of `dataclasses` does."""

from __future__ import annotations

from dataclasses import field, replace

import pytest

from hub.cases.applied import Applied, Raised
from hub.cases.case import Case
from hub.cases.work import Work
from hub.messages.identifiers import CaseRef, Instant, OrganisationId
from hub.messages.records import altered, maker, record

CASE = Case(
    ref=CaseRef("1" * 32),
    jurisdiction="england-and-wales",
    opened_at=Instant(1),
    opened_by=OrganisationId("probation-north"),
)


def test_it_changes_what_it_is_told_to_and_nothing_else() -> None:
    assert altered(CASE, version=7, turn=3) == replace(CASE, version=7, turn=3)
    assert CASE.version != 7


def test_what_is_not_changed_is_the_same_object() -> None:
    applied = Applied(case=CASE, exceptions=(Raised(code="CASE-WITHOUT-OM"),))
    after = altered(applied, is_news=False)
    assert after is not applied
    assert after.case is applied.case
    assert after.exceptions is applied.exceptions
    assert not after.is_news
    assert applied.is_news


def test_a_frozen_one_is_altered_as_well() -> None:
    before = Work(assess_by=Instant(7))
    after = altered(before, assess_by=None)
    assert after == replace(before, assess_by=None)
    assert before.assess_by == 7
    assert hash(after) == hash(Work())


@pytest.mark.parametrize("held", [CASE, Work()], ids=["record", "frozen"])
def test_a_field_there_is_not_is_refused(held: object) -> None:
    with pytest.raises(AttributeError):
        altered(held, edition=7)


@record
class Noted:
    """A record with every sort of field."""

    first: int = field(kw_only=False)
    second: str
    third: str = "default"
    fourth: int | None = field(default=None, init=False, compare=False)


def test_what_makes_a_record_makes_what_its_class_does() -> None:
    """Each field as given, or as it is when it is not; and it takes no other."""
    make = maker(Noted)
    assert make(1, second="b") == Noted(1, second="b")
    assert make(1, second="b", third="c") == Noted(1, second="b", third="c")
    assert make(1, second="b").fourth is None
    for wrong in ({}, {"second": "b", "fourth": 4}, {"second": "b", "fifth": 5}):
        with pytest.raises(TypeError):
            make(1, **wrong)  # type: ignore[arg-type]
