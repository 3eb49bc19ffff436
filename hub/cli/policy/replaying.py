"""`hub policy replay`: what would have gone to whom, had other rules decided the last days' messages."""

from __future__ import annotations

import json
import textwrap
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from hub.cli.console import show_pairs
from hub.cli.policy.options import Json
from hub.cli.policy.sides import SIDE_HELP, side

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from hub.consent.compile import Policy
    from hub.consent.decision import FieldSpec
    from hub.consent.replay_report import Report, Row, Tally
    from hub.messages.envelope import MessageName
    from hub.topics.codec import Codec

_ERASED = "KEY-ERASED"
_WIDTH = 110
_NOTES = (
    "Only facts were recorded, not messages: what a text names, a partner's contract, a class its author "
    "declared and an obligation a recipient cannot perform cannot be looked at again. What they held back is "
    "counted as held back still; of what would go besides, they may hold back some. Objectives an Offender "
    "Manager holds back are not shown one by one."
)


def replay(
    days: Annotated[int, typer.Option("--days", min=1, help="How many days back, from now.")],
    policy: Annotated[
        str | None, typer.Option("--policy", help=f"The rules to try, else the hub's own. {SIDE_HELP}")
    ] = None,
    *,
    as_json: Json = False,
) -> None:
    """Decide the decisions of the last days again, and list what would have gone otherwise, and to whom.

    Reads the ledger whether or not a hub runs, and changes nothing.
    """
    import asyncio

    from hub.topics.policy_files import POLICY

    candidate = side(policy or str(POLICY), "--policy")
    since = datetime.now(UTC) - timedelta(days=days)
    report = asyncio.run(_replayed(candidate, since))
    if as_json:
        print(json.dumps(_plain(report, candidate.name, since), indent=2))
        return
    _show(report, candidate.name, since)


async def _replayed(candidate: Policy, since: datetime) -> Report:
    from rich.console import Console
    from rich.progress import Progress

    from hub.adapters.ledger.past_decisions import count_since, decisions_since
    from hub.adapters.ledger.policies import policy_facts
    from hub.cli.projection import projection
    from hub.consent.replay import Replay
    from hub.settings import load
    from hub.topics.codec import Codec
    from hub.topics.evidence import Evidence
    from hub.topics.keys import FileKeyStore
    from hub.topics.library import SchemaLibrary

    settings = load()
    library = SchemaLibrary.load(settings.schemas)
    codec = Codec(library=library, keys=FileKeyStore(settings.instance_folder / "keys"))
    async with projection() as connection:
        past = _Past(await policy_facts(connection), codec)
        work = Replay(candidate, specs_of=past.specs, policy_of=past.policy)
        total, work.report.anew = await count_since(connection, since)
        with Progress(console=Console(stderr=True), transient=True) as progress:
            task = progress.add_task("Deciding again", total=total)
            async for each in decisions_since(connection, since, Evidence(codec)):
                if each.past is not None:
                    work.add(each.past)
                elif each.why == _ERASED:
                    work.report.erased += 1
                else:
                    work.report.not_redone(each.why)
                progress.advance(task)
    return work.report


class _Past:
    """What decisions were made by: the releases the hub has seen, the contracts it knows."""

    def __init__(self, facts: Mapping[str, Mapping[str, object]], codec: Codec) -> None:
        from hub.topics.policy_files import name_from_control

        self._bodies = {name_from_control(body): body for body in facts.values()}
        self._codec = codec

    def policy(self, name: str) -> Policy | None:
        """Compile the rules that decisions name; None where they are not known, or no longer hold today."""
        from hub.errors import PolicyRefused
        from hub.topics.policy_files import policy_from_control

        body = self._bodies.get(name)
        try:
            return None if body is None else policy_from_control(body)
        except PolicyRefused:
            return None

    def specs(self, message: MessageName, version: str) -> tuple[FieldSpec, ...] | None:
        """Return the fields of a contract; None where the version is not known."""
        from hub.errors import NotReadable

        try:
            return self._codec.library.fields(message, version)
        except NotReadable:
            return None


def _show(report: Report, candidate: str, since: datetime) -> None:
    print(f"Decisions since {since:%Y-%m-%d %H:%M} UTC, decided again by {candidate}\n")
    kept = ", ".join(f"{count} by {why}" for why, count in report.kept.items())
    show_pairs(
        (
            ("decided again", f"{report.decisions}{_left_out(report.anew)}"),
            ("their fields", report.fields),
            ("held back by more than rules", kept or "none"),
            ("facts erased", report.erased),
            ("not to be decided again", _counts(report.skipped)),
            ("rules of their time not known", report.rules_unknown),
            ("hang on what was in the message", report.uncertain),
            ("fields of which more would go", report.wider),
            ("fields of which less would go", report.narrower),
        )
    )
    for title, table in _tables(report):
        if table:
            print(f"\n{title}: {sum(tally.count for tally in table.values())}\n")
        for row, tally in sorted(table.items()):
            where = f": {row.path}" + (f" ({row.scope})" if row.scope not in {"", "all"} else "")
            print(f"  {row.organisation} as {row.role}, {row.message}{where if row.path else ''}")
            print(
                f"      {row.then}, now {row.now}; decisions: {tally.count}, e.g. {', '.join(tally.examples)}"
            )
    if not report.differs:
        print("\nNothing would have been otherwise.")
    print("\n" + textwrap.fill(_NOTES, _WIDTH))


def _tables(report: Report) -> Iterator[tuple[str, Mapping[Row, Tally]]]:
    yield "Deliveries that would be made, or not, or not for another reason", report.deliveries
    yield "Fields that would differ", report.differences
    yield "Fields that would go, or not, as before for another reason or on another basis", report.grounds


def _left_out(anew: int) -> str:
    """Say beside the number of decisions which are not among them."""
    return f" ({anew} made anew on what was undelivered left out: each message counts once)" if anew else ""


def _counts(found: Mapping[str, int]) -> str:
    return ", ".join(f"{count} ({why})" for why, count in found.items()) or "0"


def _plain(report: Report, candidate: str, since: datetime) -> dict[str, object]:
    return {
        "policy": candidate,
        "since": since.isoformat(),
        "decisions": report.decisions,
        "made anew, left out": report.anew,
        "fields": report.fields,
        "kept": report.kept,
        "facts erased": report.erased,
        "not decided again": report.skipped,
        "rules not known": report.rules_unknown,
        "uncertain": report.uncertain,
        "wider": report.wider,
        "narrower": report.narrower,
        "deliveries": _rows(report.deliveries),
        "differences": _rows(report.differences),
        "grounds": _rows(report.grounds),
        "not looked at": _NOTES,
    }


def _rows(table: Mapping[Row, Tally]) -> list[dict[str, object]]:
    return [
        {
            "organisation": row.organisation,
            "role": row.role,
            "message": row.message,
            "field": row.path or None,
            "scope": row.scope or None,
            "then": row.then,
            "now": row.now,
            "count": tally.count,
            "examples": tally.examples,
        }
        for row, tally in sorted(table.items())
    ]
