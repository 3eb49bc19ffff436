"""`hub policy explain|who-may-see`: why it was so, and who may see what now. For staff."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from hub.cli.policy.arguments import check_one_of, class_named, message_named
from hub.cli.policy.options import Json

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Sequence

    from hub.app.questions import Explanation, Questions
    from hub.consent.compile import Policy
    from hub.consent.decision import FieldDecision
    from hub.consent.explain import FieldExplained
    from hub.consent.why_not import WhyNot
    from hub.routing.who_may_see import WhoMaySee
    from hub.topics.evidence import Entered

Answer = TypeVar("Answer")
Within = Annotated[
    float, typer.Option("--within", min=1, max=600, help="Longest the log is read back, in seconds.")
]
Case = Annotated[
    str | None, typer.Option("--case", help="The case: its reference, or case_… as a party knows it.")
]


def explain(
    reference: Annotated[
        str,
        typer.Argument(
            metavar="ID",
            help="Id of a decision (or its first 8 signs), of a delivery, or of a message (also msg_…).",
        ),
    ],
    field: Annotated[
        str | None, typer.Option("--field", help="One field, rule by rule and clause by clause.")
    ] = None,
    within_s: Within = 30,
    *,
    why_not: Annotated[
        bool,
        typer.Option("--why-not", help="The fewest changes that would have let the field go, or each field."),
    ] = False,
    as_json: Json = False,
) -> None:
    """Explain a past decision: which rule, which clause, which facts, in which versions.

    The rules it was made by are looked at again, with the facts as they were. Where something after the
    rules decided (a text that names what is held back, the contract's view, a class the author declared),
    it is named. --why-not is for staff only: never tell a recipient what was held back from it.

    Ids are in `hub ledger list --json`; a party's own msg_… and delivery ids do as well. The question is
    recorded: who asked, about which case (`hub ledger consultations`).
    """

    async def ask(
        questions: Questions,
    ) -> tuple[list[Entered], Explanation | None, list[WhyNot], frozenset[str] | None]:
        """Return the decisions of that name, and where it is one, its explanation, why not, what went."""
        from hub.adapters.ledger.given import given_by

        named = await questions.decisions_named(reference)
        if len(named) != 1:
            return named, None, [], None
        found = await questions.explain(named[0])
        asked = tuple(_held_back(found, field)) if why_not else ()
        answers = await questions.why_not(found, asked) if asked else []
        async with questions.hub.pool.connection() as connection:
            return named, found, answers, await given_by(connection, questions.hub.codec, named[0])

    named, found, answers, given = put(ask, within_s)
    if found is None:
        show_choice(reference, named, as_json=as_json)
        return
    fields = _fields(found, field)
    if as_json:
        said = {"given": None if given is None else sorted(given)}
        _print(_explained_plain(found, field, answers) | said)
        return
    from hub.cli.policy import answers as shown

    shown.show_decision(found)
    if field is None and not why_not:
        shown.show_fields(fields, given)
    for each in fields if field is not None else ():
        shown.show_field(each, found.explained.gates)
    shown.show_why_nots(answers)


def who_may_see(
    case: Annotated[str, typer.Option("--case", help="The case: its reference, or case_….")],
    message: Annotated[str, typer.Option("--message", help="Type of the message, e.g. plan.")],
    field: Annotated[
        str | None, typer.Option("--field", help="The field, e.g. objectives[].title or @author.")
    ] = None,
    information_class: Annotated[
        str | None, typer.Option("--class", metavar="CLASS", help="Every field of this information class.")
    ] = None,
    *,
    everybody: Annotated[
        bool, typer.Option("--all", help="Also who may not, and why; and who has no part in the case.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Show everyone who may see a field of a case now, why, on which basis, and of which messages.

    Every message of the type that could come is tried: whether it bears on the recipient's own work, about
    whose referral it is, who wrote it. Who is told some of them only, such as a line manager, stands there
    with which. Whoever only a message itself would name is no party yet.
    """
    kind = message_named(message)
    of = None if information_class is None else class_named(information_class)
    check_one_of({"--field": field, "--class": information_class})

    async def ask(questions: Questions) -> tuple[WhoMaySee, Policy]:
        """Return who may see it, and the rules in force, in whose words the reasons are."""
        found = await questions.who_may_see(case, kind, path=field, information_class=of)
        return found, await questions.hub.rules()

    found, policy = put(ask, 30)
    from hub.cli.policy.answers import plain
    from hub.cli.policy.seeing import show_who

    if as_json:
        nobody = {name: getattr(found, name) for name in ("other_parts", "no_part", "named", "unknown")}
        by_outcome = {"may": found.may, "held_back_by_name": found.by_name}
        _print(plain(by_outcome | ({"may_not": found.may_not} | nobody if everybody else {})))
        return
    show_who(found, policy, message=kind, everybody=everybody)


def put(ask: Callable[[Questions], Awaitable[Answer]], within_s: float) -> Answer:
    """Put a question to the running hub."""
    from hub.app.questions import asking
    from hub.settings import load

    async def answered() -> Answer:
        """Ask it, and let the hub go again."""
        async with asking(load(), within_s=within_s) as questions:
            return await ask(questions)

    return asyncio.run(answered())


def _fields(found: Explanation, field: str | None) -> list[FieldExplained]:
    """Return the fields asked for; WrongArgument names those there are."""
    from hub.app.questions import no_field

    every = found.explained.fields
    chosen = [each for each in every if field is None or each.path == field]
    if field is not None and not chosen:
        raise no_field(field, found.decision)
    return chosen


def _held_back(found: Explanation, field: str | None) -> Iterable[FieldDecision]:
    """Yield the field asked about, or each that did not go."""
    from hub.consent.decision import Outcome

    for each in found.decision.fields:
        if each.path == field or (
            field is None and (each.outcome >= Outcome.REDACT or not found.decision.delivers)
        ):
            yield each


def show_choice(reference: str, named: Sequence[Entered], *, as_json: bool) -> None:
    """List the decisions a reference names, to choose one."""
    from hub.cli.policy.answers import VERDICTS, decision_plain, line, moment

    if as_json:
        _print({"decisions": [decision_plain(each.decision) | {"verdict": each.verdict} for each in named]})
        return
    print(f"{reference} names {len(named)} decisions, the earliest first. Explain one by its id:")
    for each in named:
        decision = each.decision
        told = "told" if decision.delivers else f"told nothing [{decision.gate}]"
        candidate = decision.candidate
        whom = f"{moment(decision.decided_at)}  {candidate.organisation} as {candidate.role}"
        line(f"{decision.decision_id}  {whom}: {told}, {VERDICTS[each.verdict]}", indent=2)


def _explained_plain(found: Explanation, field: str | None, answers: Sequence[WhyNot]) -> dict[str, object]:
    from hub.cli.policy.answers import decision_plain, plain

    explained = found.explained
    return {
        "decision": decision_plain(found.decision),
        "delivery_id": found.entered.delivery_id,
        "consistent": explained.is_consistent,
        "closed_by": explained.closed_by,
        "gates": plain(explained.gates),
        "fields": plain(_fields(found, field)),
        "why_not": plain(answers),
    }


def _print(value: object) -> None:
    print(json.dumps(value, indent=2))
