"""What came of a journey, as people look at it: a table for every scene, and a sequence diagram (Mermaid)."""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from hub.demo.journeys.page import Begun, Pushed, Said
from hub.demo.leaves import in_contract, leaves
from hub.messages.envelope import MessageName

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from hub.demo.evidence import Judgement, Received
    from hub.demo.journeys.page import Page, Scene
    from hub.demo.journeys.play import Came

HEAD = "| who | message | gets | held back |\n|---|---|---|---|\n"
EVERYTHING = "everything"
FIELDS_NAMED_MAX = 8
"""Of more fields than these the number is told."""
REFERENCES = frozenset({"referral", "provider", "corrects", "delivery"})


def tables(page: Page, came: Iterable[Came]) -> Iterator[str]:
    """Return a table for every scene that stands on the page with one, in order."""
    for each in came:
        if not isinstance(each.scene, Begun):
            yield _table(page, each)


def drawing(page: Page, came: Sequence[Came]) -> str:
    """Return the sequence diagram of a run, as a Mermaid block."""
    lines = ["```mermaid", "sequenceDiagram"]
    told = {each.recipient for one in came for each in (*one.meanwhile, *one.received)}
    speaking = {
        f"{one.scene.by.organisation}/{one.scene.by.role.value}"
        for one in came
        if isinstance(one.scene, Said | Pushed)
    }
    names = {
        name: f"{staff.organisation}/{staff.role.value}"
        for name, staff in page.cast.items()
        if f"{staff.organisation}/{staff.role.value}" in told | speaking
    }
    once = dict.fromkeys(names.values())
    short = {place: next(name for name, held in names.items() if held == place) for place in once}
    for place, name in short.items():
        lines.append(f"    participant {name} as {_titled(place, '<br/>')}")
    lines.append("    participant hub as the hub")
    for one in came:
        lines += [f"    {line}" for line in _arrows(one, short)]
    return "\n".join([*lines, "```", ""])


def _counted(number: int, what: str) -> str:
    return f"{number or 'no'} {what}{'' if number == 1 else 's'}"


def _arrows(came: Came, short: Mapping[str, str]) -> Iterator[str]:
    scene = came.scene
    yield f"Note over hub: {_when(scene)}"
    for each in _in_order(came.meanwhile):
        if each.recipient in short:
            yield f"hub->>{short[each.recipient]}: {_label(each, {}, None)}"
    if isinstance(scene, Begun):
        yield (
            f"Note over hub: case opened, {len(scene.team)} appointed,"
            f" {_counted(len(scene.referrals), 'referral')} accepted"
        )
        return
    sent: Mapping[str, object] = {}
    if isinstance(scene, Said):
        sent = scene.data
        yield f"{short[f'{scene.by.organisation}/{scene.by.role.value}']}->>hub: {scene.message.value}"
        if scene.refused:
            yield f"hub--x{short[f'{scene.by.organisation}/{scene.by.role.value}']}: refused"
    if isinstance(scene, Pushed):
        yield (
            f"{short[f'{scene.by.organisation}/{scene.by.role.value}']}->>hub:"
            f" {str(scene.event.get('eventType')).rpartition('prisoner.')[2]}, as the prison system has it"
        )
    for each in _in_order(came.received):
        if each.recipient not in short:
            continue
        whole = isinstance(scene, Said) and each.message == scene.message and not _held(each, sent)
        arrow = "->>" if whole or each.message == MessageName.EXCEPTION else "-->>"
        yield f"hub{arrow}{short[each.recipient]}: {_label(each, sent, scene)}"


def _label(received: Received, sent: Mapping[str, object], scene: Scene | None) -> str:
    if received.message == MessageName.EXCEPTION:
        return f"exception {received.payload.get('code')}"
    if not isinstance(scene, Said) or received.message != scene.message:
        return received.message
    whole, held = len(leaves(sent)), len(_held(received, sent))
    return (
        f"{received.message}, {EVERYTHING}" if not held else f"{received.message}, {whole - held} of {whole}"
    )


def _table(page: Page, came: Came) -> str:
    scene = came.scene
    rows = [_made(page, each) for each in _in_order(came.meanwhile)]
    rows += [_row(page, each, came) for each in _in_order(came.received)]
    if isinstance(scene, Said):
        rows += _with_nothing(page, came)
        if scene.refused:
            who = page.called(f"{scene.by.organisation}/{scene.by.role.value}")
            why = came.refusal or "set aside, for staff to look at"
            rows.insert(0, f"| {who} | {scene.message.value} | refused: {why} | |")
    return HEAD + "\n".join(rows or ["| nobody | | nothing | |"]) + "\n"


def _row(page: Page, received: Received, came: Came) -> str:
    who = page.called(received.recipient)
    scene = came.scene
    if isinstance(scene, Pushed) and received.message == MessageName.PRISON_EVENT:
        has = sorted({in_contract(path) for path in leaves(received.payload)})
        return f"| {who} | {received.message} | {_named(has)} | |"
    if not isinstance(scene, Said) or received.message != scene.message:
        return _made(page, received)
    has = sorted({in_contract(path) for path in leaves(received.payload)})
    held = _held(received, scene.data)
    judged = next((each for each in came.judgements if each.delivery == received.delivery), None)
    gets = EVERYTHING if not held else _named(has)
    return f"| {who} | {received.message} | {gets} | {_reasons(held, judged)} |"


def _made(page: Page, received: Received) -> str:
    """Say what somebody got that the hub made itself, or gave again of what was said before."""
    who = page.called(received.recipient)
    if received.message == MessageName.EXCEPTION:
        return f"| {who} | exception | {received.payload.get('code')}: {received.payload.get('detail')} | |"
    has = sorted({in_contract(path) for path in leaves(received.payload)})
    return f"| {who} | {received.message}, made or given again by the hub | {_named(has)} | |"


def _with_nothing(page: Page, came: Came) -> Iterator[str]:
    """Say who has a part in the case and got nothing of the message, and why."""
    scene = came.scene
    names = {each.delivery: each.message for each in came.received}
    groups: dict[str, list[Judgement]] = defaultdict(list)
    for each in came.judgements:
        groups[each.message].append(each)
    got = {(each.recipient, each.message) for each in came.received}
    for group in groups.values():
        known = {names[each.delivery] for each in group if each.delivery in names}
        if not isinstance(scene, Said) or known not in (set(), {scene.message.value}):
            continue
        for each in sorted(group, key=lambda one: one.recipient):
            if each.delivers or (each.recipient, scene.message.value) in got:
                continue
            why = each.gate or next(iter(each.fields.values()), None)
            says = "" if why is None else why.says
            yield f"| {page.called(each.recipient)} | {scene.message.value} | nothing | {says} |"


def _held(received: Received, sent: Mapping[str, object]) -> list[str]:
    """Return what was sent and is not there, references apart: each has those in a form of its own."""
    there = set(leaves(received.payload))
    gone = [path for path in leaves(sent) if path not in there and path not in REFERENCES]
    return sorted({in_contract(path) for path in gone})


def _reasons(held: Sequence[str], judged: Judgement | None) -> str:
    if not held:
        return ""
    by_reason: dict[str, list[str]] = defaultdict(list)
    for path in held:
        why = None if judged is None else judged.fields.get(path)
        by_reason["" if why is None else why.says].append(path)
    return "; ".join(
        f"{_named(paths)}: {says}" if says else _named(paths) for says, paths in by_reason.items()
    )


def _named(paths: Sequence[str]) -> str:
    if len(paths) > FIELDS_NAMED_MAX:
        return (
            ", ".join(f"`{path}`" for path in paths[:FIELDS_NAMED_MAX])
            + f" and {len(paths) - FIELDS_NAMED_MAX} more"
        )
    return ", ".join(f"`{path}`" for path in paths)


def _in_order(received: Sequence[Received]) -> list[Received]:
    """Return deliveries in an order that does not depend on whose mailbox was read first."""
    ranks = ("offender_manager", "case_administrator", "offender_supervisor", "offender_management_unit")

    def place(each: Received) -> tuple[bool, str, int, str, str]:
        role = each.recipient.partition("/")[2]
        rank = ranks.index(role) if role in ranks else len(ranks)
        made = each.message == MessageName.EXCEPTION
        return (
            made,
            str(each.payload.get("code", "")) if made else each.message,
            rank,
            each.recipient,
            str(each.payload.get("detail")),
        )

    return sorted(received, key=place)


def _titled(place: str, between: str) -> str:
    organisation, _, role = place.partition("/")
    return f"{role.replace('_', ' ').title()}{between}{organisation}"


def _when(scene: Scene) -> str:
    return datetime.fromtimestamp(scene.at / 1000, tz=UTC).strftime("%a %-d %b %Y, %H.%M")
