"""`hub ledger`: who got what of which message, and why; also who got nothing."""

from __future__ import annotations

import asyncio
import dataclasses
import json
import textwrap
from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer

from hub.cli.moments import FORM, moment, shown
from hub.cli.readings import list_readings
from hub.cli.references import known_case, known_parties, known_party, opened_with, own_form
from hub.cli.taken_back import list_taken_back
from hub.cli.tallying import show_tally

if TYPE_CHECKING:
    from hub.adapters.ledger.consultations import Consultation
    from hub.adapters.ledger.held import Held
    from hub.adapters.ledger.overtaken import Overtaken
    from hub.adapters.ledger.reports import Decided
    from hub.adapters.ledger.reviewing import Reviewed

__all__ = ["app"]

app = typer.Typer(
    add_completion=False, no_args_is_help=True, rich_markup_mode=None, pretty_exceptions_enable=False
)

_WIDTH = 110
_UNREAD = ", as far as it was in the message"
_NAMED_MAX = 12
_VERDICTS = {
    "release": "decided again, and let go as it was:",
    "replace": "decided again, and goes in place of",
    "stop": "decided again, and stopped:",
}
_SETTLED = {"stop": "then stopped", "replace": "then replaced by a narrower one"}
_OUTCOMES = (
    ("disclose", "disclosed"),
    ("generalise", "generalised"),
    ("redact", "redacted"),
    ("withhold", "withheld"),
)


@app.callback()
def _group() -> None:
    """Show who was told what, and why."""


app.command("readings")(list_readings)
app.command("tally")(show_tally)
app.command("taken-back")(list_taken_back)


@app.command("list")
def list_decisions(
    message: Annotated[
        str | None, typer.Option(help="Only this message: its id, or msg_… as a party knows it.")
    ] = None,
    case: Annotated[
        str | None, typer.Option(help="Only this case: its reference, or case_… as a party knows it.")
    ] = None,
    organisation: Annotated[
        str | None, typer.Option(help="Only what this organisation was told, or not.")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="Most decisions shown, newest first.")] = 50,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON, one list.")] = False,
) -> None:
    """List disclosure decisions, newest first: who, in which role, got which fields, and why not the rest.

    `hub policy explain` explains one of them, by its id, clause by clause.
    """
    found, given = asyncio.run(_found(message=message, case=case, organisation=organisation, limit=limit))
    if as_json:
        print(json.dumps([_plain(each, given.get(each.delivery_id or "")) for each in found], indent=2))
        return
    if not found:
        print("No decision is recorded.")
        return
    shown = ""
    for each in found:
        if each.message_id != shown:
            shown = each.message_id
            when = f"{each.decided_at.astimezone():%Y-%m-%d %H:%M:%S}"
            print(f"{when}  {each.message or 'message'}  {each.message_id}  case {each.case_ref}")
        _show(each, given.get(each.delivery_id or ""))
    print(f"{len(found)} decision(s).")


@app.command("overtaken")
def list_overtaken(
    case: Annotated[
        str | None, typer.Option(help="Only this case: its reference, or case_… as a party knows it.")
    ] = None,
    organisation: Annotated[
        str | None, typer.Option(help="Only what this organisation has been given.")
    ] = None,
    since: Annotated[
        datetime | None,
        typer.Option(parser=moment, metavar="MOMENT", help=f"Only what was put on its way since, {FORM}."),
    ] = None,
    limit: Annotated[
        int, typer.Option(min=1, max=10_000, help="Most deliveries looked at, newest first.")
    ] = 1_000,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON, one list.")] = False,
) -> None:
    """List what has gone out and would not go out now: by which field, for which reason, to whom."""
    found = asyncio.run(_overtaken(case=case, organisation=organisation, since=since, limit=limit))
    if as_json:
        plain = [dataclasses.asdict(each) | {"at": each.at.isoformat()} for each in found]
        print(json.dumps(plain, indent=2))
        return
    if since:
        print(f"Of what was put on its way since {shown(since)}:")
    for each in found:
        when = f"{each.at.astimezone():%Y-%m-%d %H:%M:%S}"
        print(f"{when}  {each.message}  {each.message_id}  case {each.case_ref}")
        print(f"  {each.organisation} as {each.role}: {each.way}; delivery {each.delivery_id}")
        if each.gate:
            _line("nothing now", each.gate)
        for path, reason in each.fields:
            _line("not now", path, (reason,))
    print(
        f"{len(found)} delivery(ies) would tell less now."
        if found
        else "Nothing that has gone out would tell less now."
    )


@app.command("review-merge")
def review_merge(
    case: Annotated[
        str, typer.Option(help="The case that is carried on: its reference, or case_… as a party knows it.")
    ],
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="Most deliveries looked at.")] = 1_000,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON, one list.")] = False,
) -> None:
    """List what was disclosed before two cases were found to be of one person, or not to be.

    Of a merger, what has gone out on either case before, and what of it would not go out now; of one that
    was undone, what went out in between.
    """
    found = asyncio.run(_reviewed(case, limit=limit))
    if as_json:
        plain = [dataclasses.asdict(each) | {"at": each.at.isoformat()} for each in found]
        print(json.dumps(plain, indent=2))
        return
    shown = ("", "")
    for each in found:
        if (each.merged, each.why) != shown:
            shown = (each.merged, each.why)
            print(f"Merger with case {each.merged}: what was told {each.why}")
        print(f"  {each.at.astimezone():%Y-%m-%d %H:%M:%S}  {each.message}  {each.message_id}")
        print(f"      {each.organisation} as {each.role}; delivery {each.delivery_id}")
        _line("told", _named(each.told) + ("" if each.read else _UNREAD))
        for path, reason in each.less:
            _line("not now", path, (reason,))
    print(
        f"{len(found)} delivery(ies) to review."
        if found
        else "Nothing was disclosed that has to be reviewed."
    )
    if len(found) == limit:
        print(f"There may be more: these are the first {limit}.")


async def _reviewed(case: str, *, limit: int) -> list[Reviewed]:
    import time

    from hub.adapters.ledger.reviewing import merge_review
    from hub.cli.projection import projection
    from hub.messages.identifiers import Instant

    async with projection() as connection:
        ref = await known_case(connection, case, await known_parties(connection))
        now = Instant(time.time_ns() // 1_000_000)
        return await merge_review(connection, opened_with(), ref, limit=limit, now=now)


@app.command("held")
def list_held(
    case: Annotated[
        str | None, typer.Option(help="Only this case: its reference, or case_… as a party knows it.")
    ] = None,
    organisation: Annotated[str | None, typer.Option(help="Only what is for this organisation.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="Most deliveries shown, newest first.")] = 50,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON, one list.")] = False,
) -> None:
    """List what is held because something has changed since it was decided: why still, and what to do."""
    found = asyncio.run(_held(case=case, organisation=organisation, limit=limit))
    if as_json:
        said = [(each, {"reason": each.reason, "way_out": each.way_out}) for each in found]
        print(json.dumps([dataclasses.asdict(each) | more for each, more in said], indent=2, default=str))
        return
    for each in found:
        when = f"{each.available_at.astimezone():%Y-%m-%d %H:%M:%S}"
        print(f"{when}  {each.message}  {each.message_id}  case {each.case_ref}")
        print(f"  {each.organisation} as {each.role}: held; delivery {each.delivery_id}")
        _line("why", each.reason)
        if each.way_out:
            _line("to do", each.way_out)
    print(f"{len(found)} delivery(ies) held." if found else "Nothing is held.")


async def _held(*, case: str | None, organisation: str | None, limit: int) -> list[Held]:
    from hub.adapters.ledger.held import held
    from hub.cli.projection import projection

    async with projection() as connection:
        parties = await known_parties(connection)
        return await held(
            connection,
            case_ref=case and await known_case(connection, case, parties),
            organisation=organisation and known_party(organisation, parties),
            limit=limit,
        )


@app.command("consultations")
def list_consultations(
    case: Annotated[
        str | None, typer.Option(help="Only on this case: its reference, or case_… as a party knows it.")
    ] = None,
    who: Annotated[str | None, typer.Option(help="Only what this user of the machine asked.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="Most questions shown, newest first.")] = 50,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON, one list.")] = False,
) -> None:
    """List who asked the hub about whom: every question of `hub policy`, whatever was logged.

    It is recorded before anything is answered, cannot be switched off, and holds no value.
    """
    found = asyncio.run(_consultations(case=case, who=who, limit=limit))
    if as_json:
        print(json.dumps([dataclasses.asdict(each) for each in found], indent=2, default=str))
        return
    for each in found:
        when = f"{each.asked_at.astimezone():%Y-%m-%d %H:%M:%S}"
        print(f"{when}  {each.who} asked {each.asked} of case {each.case_ref or 'unknown'}")
        for name, said in each.about.items():
            _line(name.replace("_", " "), ", ".join(said) if isinstance(said, list) else str(said))
    print(f"{len(found)} question(s)." if found else "Nobody has asked anything.")


async def _consultations(*, case: str | None, who: str | None, limit: int) -> list[Consultation]:
    from hub.adapters.ledger.consultations import recorded
    from hub.cli.projection import projection

    async with projection() as connection:
        ref = case and own_form(case, "case", await known_parties(connection))
        return await recorded(connection, case_ref=ref, who=who, limit=limit)


async def _overtaken(
    *, case: str | None, organisation: str | None, since: datetime | None, limit: int
) -> list[Overtaken]:
    import time

    from hub.adapters.ledger.overtaken import Wanted, overtaken
    from hub.cli.projection import projection
    from hub.messages.identifiers import Instant

    async with projection() as connection:
        parties = await known_parties(connection)
        wanted = Wanted(
            case_ref=case and await known_case(connection, case, parties),
            organisation=organisation and known_party(organisation, parties),
            since=since,
            limit=limit,
        )
        return await overtaken(connection, opened_with(), wanted, now=Instant(time.time_ns() // 1_000_000))


def _show(each: Decided, given: frozenset[str] | None) -> None:
    """Show one decision; of what it lets go, what stands in its delivery, where that can still be read."""
    got = f"received, {_way(each)}" if each.delivers else "nothing went"
    print(f"  {each.organisation} as {each.role} ({each.concern}): {got}")
    if each.verdict:
        _line("again", f"{_VERDICTS[each.verdict]} {each.again}")
    if each.gate:
        _line("why", each.gate)
    for outcome, word in _OUTCOMES:
        paths = each.paths(outcome)
        if given is not None and outcome != "withhold":
            paths = tuple(path for path in paths if path in given)
        # Where nothing goes, what would have gone is not what anybody got.
        if paths and (each.delivers or outcome == "withhold") and not (each.gate and not each.delivers):
            unread = "" if given is not None or outcome == "withhold" else _UNREAD
            reasons = each.reasons(outcome) if outcome != "disclose" else ()
            _line(word, f"{_named(paths)}{unread}", reasons)
    if each.caveats:
        _line("on terms", ", ".join(each.caveats))
    contract = f"; contract {each.contract}" if each.contract else ""
    _line("under", f"{each.purpose}; policy {each.policy}{contract}")
    _line("decision", each.decision_id)


def _way(each: Decided) -> str:
    """Say how it reached the recipient: on its own topic it was disclosed whether fetched here or not."""
    state = each.state or "sent"
    if each.held or each.settled:
        state = f"{state}, {_SETTLED[each.settled] if each.settled else 'held to be decided again'}"
    return f"by Kafka at commit; in the mailbox {state}" if each.by_kafka else state


def _named(paths: tuple[str, ...]) -> str:
    more = len(paths) - _NAMED_MAX
    return ", ".join(paths[:_NAMED_MAX]) + (f" and {more} more" if more > 0 else "")


def _line(word: str, said: str, reasons: tuple[str, ...] = ()) -> None:
    text = f"{word:<11} {said}" + (f"  [{', '.join(reasons)}]" if reasons else "")
    print(textwrap.fill(text, _WIDTH, initial_indent="      ", subsequent_indent=" " * 18))


async def _found(
    *, message: str | None, case: str | None, organisation: str | None, limit: int
) -> tuple[list[Decided], dict[str, frozenset[str]]]:
    """Return the decisions, and by delivery what really stands in it."""
    from hub.adapters.ledger.given import given
    from hub.adapters.ledger.reports import decisions
    from hub.cli.projection import projection

    async with projection() as connection:
        parties = await known_parties(connection)
        found = await decisions(
            connection,
            message_id=message and own_form(message, "message", parties),
            case_ref=case and await known_case(connection, case, parties),
            organisation=organisation and known_party(organisation, parties),
            limit=limit,
        )
        sent = {each.delivery_id: each.contract for each in found if each.delivery_id and each.contract}
        return found, await given(connection, opened_with(), sent)


def _plain(each: Decided, given: frozenset[str] | None) -> dict[str, object]:
    instants = {
        "decided_at": each.decided_at,
        "fetched_at": each.fetched_at,
        "acknowledged_at": each.acknowledged_at,
    }
    plain = {name: at.isoformat() if at else None for name, at in instants.items()}
    return dataclasses.asdict(each) | plain | {"given": None if given is None else sorted(given)}
