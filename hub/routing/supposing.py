"""What somebody supposes to be otherwise: a consent, a role, a rung, a tier, a protocol (R-DIS-08).

A supposition changes the case and the organisations as routing sees them, for one question and nothing
else. It is written as on the command line: `consent=health:given:river-drug-service`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING, TypeVar

from hub.cases.case import ConsentGiven, ConsentState, Mappa, Member, Rosh
from hub.consent.parties import RUNGS, Protocol, Standing, not_among
from hub.consent.vocabulary import FACTS
from hub.errors import WrongArgument
from hub.messages.envelope import InformationClass, Role
from hub.messages.identifiers import OrganisationId, is_organisation

if TYPE_CHECKING:
    from hub.cases.case import Case
    from hub.consent.parties import Organisation
    from hub.messages.identifiers import Instant

Word = TypeVar("Word", bound=StrEnum)
SUPPOSED = "what-if"
"""Reference of what is only supposed: a consent, a member, a protocol."""


def _same_case(case: Case, _now: Instant) -> Case:
    return case


def _same_organisation(organisation: Organisation, _now: Instant) -> Organisation:
    return organisation


@dataclass(frozen=True, slots=True, kw_only=True)
class Supposition:
    """One thing that is supposed to be otherwise."""

    says: str
    argument: str = ""
    """How it was asked for, as it is typed: `--consent`."""
    organisation: OrganisationId | None = None
    """The organisation it is about, which the hub must know."""
    on_case: Callable[[Case, Instant], Case] = _same_case
    on_organisation: Callable[[Organisation, Instant], Organisation] = _same_organisation


def supposition(text: str) -> Supposition:
    """Read one supposition, `what=value`; WrongArgument says what is wrong and which words there are."""
    what, _, value = text.partition("=")
    read = _READ.get(what)
    if read is None:
        raise not_among("what is supposed", what, "supposition", _READ)
    return replace(read(value.strip()), argument=f"--{what}")


def _parts(what: str, value: str, *, least: int, most: int, form: str) -> list[str]:
    parts = [part.strip() for part in value.split(":")]
    if not least <= len(parts) <= most or not all(parts):
        raise _misshapen(what, value, form)
    return parts


def _misshapen(what: str, value: str, form: str) -> WrongArgument:
    """Return the error for a supposition whose parts are not those it has."""
    return WrongArgument(
        f"--{what}", f"{value or 'nothing'} is not written as it should be", fix=f"write --{what} {form}"
    )


def _organisation(what: str, name: str) -> OrganisationId:
    if is_organisation(name):
        return OrganisationId(name)
    message = f"{name} is no organisation's short name"
    raise WrongArgument(f"--{what}", message, fix="see `python3 -m hub partner list`")


def _word(kind: type[Word], what: str, said: str, name: str) -> Word:
    """Read one word of a closed list."""
    words = {str(each): each for each in kind}
    if said in words:
        return words[said]
    raise not_among(f"--{what}", said, name, words)


def _consent(value: str) -> Supposition:
    """The person's word on a class, said now, to one organisation or to all."""
    form = "CLASS:given|refused|withdrawn|expired|none[:ORGANISATION]"
    name, state, *rest = _parts("consent", value, least=2, most=3, form=form)
    information_class = _word(InformationClass, "consent", name, "information class")
    if state not in FACTS["consent"].domain:
        raise not_among("--consent", state, "state of a consent", map(str, FACTS["consent"].domain))
    organisation = _organisation("consent", rest[0]) if rest else None
    to = f" to {organisation}" if organisation else ""

    def on_case(case: Case, now: Instant) -> Case:
        if state == "none":
            return replace(case, consents=tuple(_without(each, information_class) for each in case.consents))
        spoken = ConsentGiven(
            consent=SUPPOSED,
            state=ConsentState(state.upper()),
            organisation=organisation,
            classes=frozenset({information_class}),
            purposes=frozenset(),
            since=now,
            until=None,
        )
        return replace(case, consents=(*case.consents, spoken))

    return Supposition(
        says=f"consent for {information_class}{to}: {state}", organisation=organisation, on_case=on_case
    )


def _without(spoken: ConsentGiven, name: InformationClass) -> ConsentGiven:
    """Take a class out of what the person said; what is said of all classes is then said of all others."""
    classes = spoken.classes or frozenset(InformationClass)
    return replace(spoken, classes=classes - {name}) if name in classes else spoken


def _role(value: str) -> Supposition:
    """An organisation is on the team in this role, instead of those it has."""
    name, as_role = _parts("role", value, least=2, most=2, form="ORGANISATION:ROLE")
    organisation, role = _organisation("role", name), _word(Role, "role", as_role, "role")

    def on_case(case: Case, now: Instant) -> Case:
        others = tuple(each for each in case.team if each.organisation != organisation)
        own = next((each for each in case.team if each.organisation == organisation), None)
        person = SUPPOSED if own is None else own.person
        member = Member(role=role, organisation=organisation, person=person, since=now)
        return replace(case, team=(*others, member))

    return Supposition(says=f"{organisation} as {role}", organisation=organisation, on_case=on_case)


def _rung(value: str) -> Supposition:
    """An organisation's brokerage rung, and that of its referrals."""
    name, text = _parts("rung", value, least=2, most=2, form="ORGANISATION:1|2|3|4")
    organisation, rung = _organisation("rung", name), _number("rung", text, RUNGS)

    def on_case(case: Case, _now: Instant) -> Case:
        moved = tuple(
            replace(each, rung=rung) if each.provider == organisation else each for each in case.referrals
        )
        return replace(case, referrals=moved)

    def on_organisation(found: Organisation, _now: Instant) -> Organisation:
        return replace(found, rung=rung) if found.organisation == organisation else found

    return Supposition(
        says=f"{organisation} on rung {rung}",
        organisation=organisation,
        on_case=on_case,
        on_organisation=on_organisation,
    )


def _number(what: str, text: str, allowed: tuple[int, ...], named: str = "") -> int:
    if text.isdecimal() and int(text) in allowed:
        return int(text)
    raise not_among(f"--{what}", text, named or what, map(str, allowed))


def _tier(value: str) -> Supposition:
    tier = _number("tier", value, (1, 2, 3, 4))
    return Supposition(says=f"tier {tier}", on_case=lambda case, _now: replace(case, tier=tier))


def _rosh(value: str) -> Supposition:
    rosh = _word(Rosh, "rosh", value, "level of risk of serious harm")
    return Supposition(
        says=f"risk of serious harm {rosh}", on_case=lambda case, _now: replace(case, rosh=rosh)
    )


def _mappa(value: str) -> Supposition:
    """The MAPPA category and level, or none."""
    if value == "none":
        return Supposition(says="not under MAPPA", on_case=lambda case, _now: replace(case, mappa=None))
    category, slash, level = value.partition("/")
    if not (category and slash and level):
        raise _misshapen("mappa", value, "CATEGORY/LEVEL, e.g. 2/3, or none")
    mappa = Mappa(
        category=_number("mappa", category, (1, 2, 3, 4), "MAPPA category"),
        level=_number("mappa", level, (1, 2, 3), "MAPPA level"),
    )
    return Supposition(
        says=f"MAPPA category {mappa.category}, level {mappa.level}",
        on_case=lambda case, _now: replace(case, mappa=mappa),
    )


def _protocol(value: str) -> Supposition:
    """An information-sharing protocol for a class in force with an organisation, or not."""
    form = "ORGANISATION:CLASS[:ended]"
    name, of, *rest = _parts("protocol", value, least=2, most=3, form=form)
    organisation, information_class = (
        _organisation("protocol", name),
        _word(InformationClass, "protocol", of, "information class"),
    )
    if rest not in ([], ["ended"]):
        raise _misshapen("protocol", value, form)

    def on_organisation(found: Organisation, now: Instant) -> Organisation:
        if found.organisation != organisation:
            return found
        left = tuple(replace(each, classes=each.classes - {information_class}) for each in found.protocols)
        live = Protocol(name=SUPPOSED, classes=frozenset({information_class}), since=now, until=None)
        return replace(found, protocols=left if rest else (*left, live))

    return Supposition(
        says=f"protocol with {organisation} for {information_class}: {'ended' if rest else 'in force'}",
        organisation=organisation,
        on_organisation=on_organisation,
    )


def _standing(value: str) -> Supposition:
    name, text = _parts("standing", value, least=2, most=2, form="ORGANISATION:active|suspended")
    organisation, standing = _organisation("standing", name), _word(Standing, "standing", text, "standing")

    def on_organisation(found: Organisation, _now: Instant) -> Organisation:
        return replace(found, standing=standing) if found.organisation == organisation else found

    return Supposition(
        says=f"{organisation} {standing}", organisation=organisation, on_organisation=on_organisation
    )


_READ: Mapping[str, Callable[[str], Supposition]] = {
    "consent": _consent,
    "role": _role,
    "rung": _rung,
    "tier": _tier,
    "rosh": _rosh,
    "mappa": _mappa,
    "protocol": _protocol,
    "standing": _standing,
}
"""Everything that can be supposed, by the word before the equals sign."""
