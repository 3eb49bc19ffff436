"""What one organisation and the hub have agreed on one message: versions, fields, dates (R-MSG-12, R-DIS-01).

A contract narrows, it never permits: the rules decide as without it, then what is not in its view is
withheld. Its dates act: it warns as soon as its end is announced, takes no new subscriber once it is
deprecated, and from its sunset on what would go to the organisation is parked, never silently.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from enum import StrEnum
from itertools import pairwise

from hub.consent.decision import FieldDecision, FieldSpec, Outcome
from hub.consent.parties import Purpose, nearest, word
from hub.consent.paths import general_of
from hub.consent.purposes import purpose_of
from hub.messages.envelope import MessageName
from hub.messages.identifiers import Instant, OrganisationId, is_organisation

NOT_IN_VIEW = "CONTRACT-VIEW"
"""Reason of a field withheld because the contract does not have it."""
_VERSION = re.compile(r"[0-9]{1,3}\.[0-9]{1,3}")
_NUMBER_MAX = 999
_ID_MAX = 2**31 - 1
_NAME = re.compile(r"[a-z-]+\.v[0-9]{1,3}")
_INSTANT_MAX = 253_402_300_799_999
"""The last millisecond of the year 9999: what comes later no header could say."""


class Direction(StrEnum):
    """Which way the message goes: the organisation receives it, or sends it."""

    RECEIVES = "receives"
    SENDS = "sends"


class Phase(StrEnum):
    """Where in its life a contract is."""

    AGREED = "agreed"
    """Not in effect yet: the one before it, or none, still holds."""
    IN_FORCE = "in_force"
    DEPRECATED = "deprecated"
    """Still served, with a warning; nobody new gets it."""
    SUNSET = "sunset"
    """Not served any more: deliveries are parked, posts are refused."""
    REMOVED = "removed"
    """As SUNSET, and the schema versions that only it covers may be retired."""

    @property
    def has_ended(self) -> bool:
        """Whether nothing is served by it any more."""
        return self in {Phase.SUNSET, Phase.REMOVED}


@dataclass(frozen=True, slots=True, kw_only=True)
class PartnerContract:
    """One contract, as its control record describes it. Instants are milliseconds since 1970-01-01 UTC."""

    partner: OrganisationId
    message: MessageName
    number: int
    """Which contract on this message it is: 1, 2, …; a later one follows an earlier one."""
    direction: Direction
    oldest: str
    """Oldest schema version of the range, e.g. 1.0."""
    newest: str
    """Newest schema version of the range; of those there are, it gets the newest."""
    purposes: frozenset[Purpose]
    view: frozenset[str] | None
    """Paths of the leaf fields it may be sent (`objectives[].title`); None: all of them."""
    effective: Instant
    deprecated: Instant | None
    sunset: Instant | None
    removal: Instant | None
    alternative: str | None
    """What comes after it, e.g. `referral.v2`."""
    ids: Mapping[str, int]
    """Id on the wire of its view, by schema version, where an outside registry gave one."""

    @property
    def name(self) -> str:
        """Its name between partner and hub, e.g. `referral.v1`."""
        return f"{self.message}.v{self.number}"

    @property
    def line(self) -> tuple[OrganisationId, MessageName, Direction]:
        """Whose contract on what it is: several of one line follow one another."""
        return (self.partner, self.message, self.direction)

    def phase(self, now: Instant) -> Phase:
        """Return where in its life it is at that moment."""
        begun = (
            (self.removal, Phase.REMOVED),
            (self.sunset, Phase.SUNSET),
            (self.deprecated, Phase.DEPRECATED),
            (self.effective, Phase.IN_FORCE),
        )
        return next((phase for since, phase in begun if since is not None and now >= since), Phase.AGREED)

    def covers(self, version: str) -> bool:
        """Tell whether a schema version is in its range."""
        return version_key(self.oldest) <= version_key(version) <= version_key(self.newest)


def version_key(version: str) -> tuple[int, ...]:
    """Return what versions are ordered by: 1.10 comes after 1.9."""
    return tuple(map(int, version.split(".")))


def contract_in_effect(contracts: Iterable[PartnerContract], now: Instant) -> PartnerContract | None:
    """Return the contract that says what happens now: of those that have begun, the one of highest number.

    Where that has ended nothing is served: what was agreed before it may be wider. None where none has begun:
    then nothing narrower than the rules is agreed.
    """
    if not contracts:
        return None
    begun = [each for each in contracts if each.effective <= now]
    return max(begun, key=lambda each: each.number) if begun else None


def newest_version(contract: PartnerContract, versions: Sequence[str]) -> str | None:
    """Return the newest of these schema versions that the contract covers, or None."""
    return max((each for each in versions if contract.covers(each)), key=version_key, default=None)


class ViewRefused(ValueError):
    """A view nothing could be sent by; `fix` says what to do."""

    def __init__(self, message: str, *, fix: str) -> None:
        """Keep the sentence and the remedy apart."""
        super().__init__(message)
        self.fix = fix


def check_paths(view: frozenset[str], specs: Sequence[FieldSpec], *, label: str) -> None:
    """Refuse a view that names a field there is not, or lacks a key, without which nothing can be sent.

    Raises:
        ViewRefused: Names the field; begins with `label`.
    """
    for path in sorted(view - {spec.path for spec in specs}):
        raise ViewRefused(
            f"{label} has no field {path}", fix="see `hub contracts show` for the fields there are"
        )
    for path in (spec.path for spec in specs if spec.key and spec.path not in view):
        parent, dot, _ = path.rpartition(".")
        if not dot or any(each.startswith(f"{parent}.") for each in view):
            raise ViewRefused(f"{label} cannot be sent without its key {path}", fix=f"add {path} to the view")


def within(
    view: frozenset[str], decided: Iterable[FieldDecision], specs: Iterable[FieldSpec], *, rule: str
) -> tuple[FieldDecision, ...]:
    """Return the decisions with every field withheld that the view lacks; `@…` is the envelope's.

    Where the view has only the general form of a field that may be disclosed, the general form goes.
    """
    known = {spec.path: spec for spec in specs}
    return tuple(item for each in decided for item in _within(view, each, known.get(each.path), rule=rule))


def _within(
    view: frozenset[str], decided: FieldDecision, spec: FieldSpec | None, *, rule: str
) -> tuple[FieldDecision, ...]:
    held = replace(
        decided,
        outcome=Outcome.WITHHOLD,
        reason=NOT_IN_VIEW,
        basis=None,
        rules=(*decided.rules, rule),
        alternates=(),
    )
    if decided.outcome is Outcome.WITHHOLD or decided.path.startswith("@"):
        return (decided,)
    general = general_of(spec) if spec is not None and spec.general and spec.generaliser else None
    if decided.outcome is Outcome.GENERALISE:
        return (decided if general in view else held,)
    if decided.path in view:
        return (decided,)
    if decided.outcome is Outcome.DISCLOSE and general in view and general is not None:
        generalised = replace(decided, outcome=Outcome.GENERALISE, rules=(*decided.rules, rule))
        return (generalised, replace(generalised, path=general, outcome=Outcome.DISCLOSE))
    return (held,)


_FIELDS = frozenset(item.name for item in fields(PartnerContract))
_DATES = ("effective", "deprecated", "sunset", "removal")


def contract_from(body: Mapping[str, object]) -> PartnerContract:
    """Build a contract from a control record's body; raises ValueError naming the field."""
    for name in body:
        if name not in _FIELDS:
            raise _wrong(name, f"not a field of a contract{nearest(name, _FIELDS)}")
    message = word(MessageName, "contract.message", body.get("message"))
    dates = {name: _date(name, body.get(name)) for name in _DATES}
    given = [(name, at) for name, at in dates.items() if at is not None]
    for (earlier, before), (later, after) in pairwise(given):
        if after < before:
            raise _wrong(later, f"must not come before {earlier}")
    effective = dates["effective"]
    if effective is None:
        raise _wrong("effective", "must be a date")
    found = PartnerContract(
        partner=_partner(body.get("partner")),
        message=message,
        number=_whole("number", body.get("number"), _NUMBER_MAX),
        direction=word(Direction, "contract.direction", body.get("direction")),
        oldest=_version("oldest", body.get("oldest")),
        newest=_version("newest", body.get("newest")),
        purposes=frozenset(word(Purpose, "contract.purposes", each) for each in _items("purposes", body)),
        view=None if body.get("view") is None else frozenset(_paths(body)),
        effective=effective,
        deprecated=dates["deprecated"],
        sunset=dates["sunset"],
        removal=dates["removal"],
        alternative=_alternative(body.get("alternative")),
        ids=_ids(body.get("ids")),
    )
    _check_whole(found)
    return found


def readable(bodies: Iterable[Mapping[str, object]]) -> Iterator[PartnerContract]:
    """Yield what control records describe, and in the place of one that is not read one that serves nothing.

    After a step back to an older hub a record may hold what that does not know. What was agreed is then not
    known, and what is not known must not widen; the other contracts hold.
    """
    for body in bodies:
        try:
            yield contract_from(body)
        except (ValueError, TypeError, AttributeError):
            found = _serving_nothing(body)
            if found is not None:
                yield found


def _serving_nothing(body: Mapping[str, object]) -> PartnerContract | None:
    """Return a contract that covers no version in the name of one; None where even that is not read."""
    try:
        return PartnerContract(
            partner=_partner(body.get("partner")),
            message=word(MessageName, "contract.message", body.get("message")),
            number=_whole("number", body.get("number"), _NUMBER_MAX),
            direction=word(Direction, "contract.direction", body.get("direction")),
            oldest="0.0",
            newest="0.0",
            purposes=frozenset(),
            view=frozenset(),
            effective=_begin(body),
            deprecated=None,
            sunset=None,
            removal=None,
            alternative=None,
            ids={},
        )
    except ValueError:
        return None


def _begin(body: Mapping[str, object]) -> Instant:
    """Return since when a contract that is not read would hold; where even that is not read, since ever."""
    try:
        return _date("effective", body.get("effective")) or Instant(0)
    except ValueError:
        return Instant(0)


def _check_whole(found: PartnerContract) -> None:
    """Refuse what no single field shows."""
    if version_key(found.newest) < version_key(found.oldest):
        raise _wrong("newest", "must not be older than oldest")
    if Purpose(purpose_of(found.message)) not in found.purposes:
        raise _wrong("purposes", f"must name {purpose_of(found.message)}, which {found.message} is for")
    if found.direction is Direction.SENDS and found.view is not None:
        raise _wrong("view", "only what an organisation receives has a view")
    if found.sunset is not None and found.deprecated is None:
        raise _wrong("deprecated", "must come before a sunset: partners are warned first")
    if found.removal is not None and found.sunset is None:
        raise _wrong("sunset", "must come before a removal: deliveries are parked first")


def _wrong(name: str, what: str) -> ValueError:
    return ValueError(f"contract.{name}: {what}")


def _partner(value: object) -> OrganisationId:
    if isinstance(value, str) and is_organisation(value):
        return OrganisationId(value)
    raise _wrong("partner", "lower-case letters, digits and hyphens, at most 40")


def _whole(name: str, value: object, most: int) -> int:
    if isinstance(value, int) and not isinstance(value, bool) and 0 < value <= most:
        return value
    raise _wrong(name, f"must be a whole number from 1 to {most}")


def _version(name: str, value: object) -> str:
    if isinstance(value, str) and _VERSION.fullmatch(value):
        return value
    raise _wrong(name, 'must be a schema version in quotes, such as "1.0"')


def _items(name: str, body: Mapping[str, object]) -> tuple[object, ...]:
    value = body.get(name)
    if isinstance(value, list | tuple | set | frozenset) and value:
        return tuple(value)
    raise _wrong(name, "must be a list that is not empty")


def _paths(body: Mapping[str, object]) -> Iterator[str]:
    for each in _items("view", body):
        if not isinstance(each, str):
            raise _wrong("view", "must be paths of fields, such as objectives[].title")
        yield each


def _alternative(value: object) -> str | None:
    if value is None or (isinstance(value, str) and _NAME.fullmatch(value)):
        return value
    raise _wrong("alternative", "must be the name of a contract, such as referral.v2")


def _date(name: str, value: object) -> Instant | None:
    if value is None:
        return None
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= _INSTANT_MAX:
        return Instant(value)
    raise _wrong(name, "must be milliseconds since 1970-01-01 UTC, before the year 10000")


def _ids(value: object) -> Mapping[str, int]:
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise _wrong("ids", "must map schema versions to ids")
    return {_version("ids", version): _whole("ids", number, _ID_MAX) for version, number in value.items()}
