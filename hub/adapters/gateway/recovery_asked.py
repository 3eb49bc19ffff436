"""What a recipient asks for of its own deliveries, read from the body of its request.

What has not arrived is first looked for (`since`), which changes nothing; it is done with deliveries named
one by one, as the look has named them. So nothing is done that was not seen. Its reason is one of a list:
what is recorded stays for good, and a text of its own would name somebody sooner or later.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from hub.adapters.database.recovering import ROWS_A_TRANSACTION_MAX, Meant
from hub.adapters.database.remedied import Remedy
from hub.adapters.gateway.problems import ProblemError
from hub.errors import Fault

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

WINDOW_DAYS_MAX = 14
"""How far back what has not arrived is looked for."""
AT_ONCE_MAX = ROWS_A_TRANSACTION_MAX
"""Most deliveries named by one answer, and done with by one request."""
KINDS: Mapping[str, Remedy] = {
    "recover": Remedy.RECOVERED,
    "replay-missing": Remedy.PUSHED,
    "seek": Remedy.SKIPPED,
    "redeliver": Remedy.REDELIVERED,
    "skip": Remedy.SKIPPED,
    "force": Remedy.FORCED,
}
"""What can be done, by what it is called."""
LOOKED_FOR = ("recover", "replay-missing", "seek")
"""What is found by time; the others are about deliveries named."""
REASONS: Mapping[str, str] = {
    "mended": "our endpoint works again",
    "new-endpoint": "an endpoint takes it now",
    "lost": "we had it and have lost it",
    "had-otherwise": "we have had it in another way",
    "cannot-take": "our system cannot take it",
    "wanted-now": "we want it now",
}
"""Why it is done; what is recorded."""
ID = re.compile(r"[0-9a-f]{32}")
_ZONED = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d{1,6})?)?(Z|[+-]\d\d:\d\d)")
_SAID = frozenset({"do", "dry_run", "since", "until", "deliveries", "reason"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One request."""

    do: str
    dry_run: bool
    since: datetime | None = None
    until: datetime | None = None
    deliveries: tuple[str, ...] | None = None
    """As they were named."""
    reason: str | None = None

    def meant(self, organisation: str, *, days: int) -> Meant:
        """Return which deliveries that is: of this organisation only, and of these what it may have."""
        named = self.deliveries
        return Meant(
            organisation=organisation,
            deliveries=None if named is None else tuple(filter(ID.fullmatch, named)),
            since=self.since,
            until=self.until,
            itself=organisation,
            days=days,
        )


def asked_from(document: Mapping[str, object]) -> Asked:
    """Read a request.

    Raises:
        ProblemError: It cannot be done so (payload-invalid); every fault is named.
    """
    faults = tuple(_faults(document))
    if faults:
        code = "payload-invalid"
        raise ProblemError(code, faults=faults)
    named = document.get("deliveries")
    return Asked(
        do=str(document["do"]),
        dry_run=document.get("dry_run", True) is True,
        since=_moment(document.get("since")),
        until=_moment(document.get("until")) or (datetime.now(UTC) if named is None else None),
        deliveries=tuple(map(str, named)) if isinstance(named, list) else None,
        reason=None if document.get("reason") is None else str(document["reason"]),
    )


def _faults(document: Mapping[str, object]) -> Iterator[Fault]:
    do, dry_run = document.get("do"), document.get("dry_run", True)
    if document.keys() - _SAID:
        yield _fault("", "additionalProperties", f"send {', '.join(sorted(_SAID))} and nothing else")
    if not isinstance(do, str) or do not in KINDS:
        yield _fault("do", "enum", f"send one of {', '.join(KINDS)}")
        return
    if not isinstance(dry_run, bool):
        yield _fault("dry_run", "type", "send true or false; left out, it is true")
    reason = document.get("reason")
    if (reason is not None or dry_run is False) and not (isinstance(reason, str) and reason in REASONS):
        yield _fault("reason", "enum", f"send one of {', '.join(REASONS)}")
    if "deliveries" in document:
        yield from _faults_of_names(document)
    elif do not in LOOKED_FOR or dry_run is False:
        yield _fault("deliveries", "required", f"name 1 to {AT_ONCE_MAX}, as a dry run names them")
    else:
        yield from _faults_of_window(do, document)


def _faults_of_names(document: Mapping[str, object]) -> Iterator[Fault]:
    named = document["deliveries"]
    if not isinstance(named, list) or not 0 < len(named) <= AT_ONCE_MAX:
        yield _fault("deliveries", "items", f"name 1 to {AT_ONCE_MAX}")
    elif not all(isinstance(each, str) for each in named) or len({*named}) < len(named):
        yield _fault("deliveries", "items", "name each delivery once, by its id")
    for name in ("since", "until"):
        if name in document:
            yield _fault(name, "not", "leave it out where deliveries are named")


def _faults_of_window(do: str, document: Mapping[str, object]) -> Iterator[Fault]:
    since, until = _moment(document.get("since")), _moment(document.get("until"))
    if since is None:
        yield _fault("since", "format", "send a moment with its zone, e.g. 2026-11-20T08:00:00Z")
    if until is None and ("until" in document or do == "seek"):
        yield _fault("until", "format", "send a moment with its zone; seek needs it")
    elif since is not None:
        to = until or datetime.now(UTC)
        if not timedelta(0) < to - since <= timedelta(days=WINDOW_DAYS_MAX):
            yield _fault("since", "range", f"look at {WINDOW_DAYS_MAX} days at most, before until")


def _moment(said: object) -> datetime | None:
    """Return a moment with its zone; None if it is none."""
    if not isinstance(said, str) or _ZONED.fullmatch(said) is None:
        return None
    try:
        return datetime.fromisoformat(said)
    except ValueError:
        return None


def _fault(name: str, rule: str, fix: str) -> Fault:
    return Fault(pointer=f"/{name}" if name else "", rule=rule, fix=fix)
