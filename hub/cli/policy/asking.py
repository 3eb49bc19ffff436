"""`hub policy explain|whatif|who-may-see`: why it was so, what would be, who may see what now. For staff."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from hub.cli.policy.options import Folder, Json, compiled

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence

    from hub.app.questions import Explanation, Questions, Supposed
    from hub.consent.compile import Policy
    from hub.consent.decision import FieldDecision
    from hub.consent.explain import FieldExplained
    from hub.consent.why_not import WhyNot
    from hub.messages.envelope import InformationClass, MessageName
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
        _show_choice(reference, named, as_json=as_json)
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
    for answer in answers:
        shown.show_why_not(answer)


def whatif(  # noqa: PLR0913 - one option for each thing that can be supposed
    *,
    message_id: Annotated[
        str | None, typer.Option("--message-id", help="A message decided before: its id, or msg_….")
    ] = None,
    file: Annotated[
        Path | None,
        typer.Option("--file", help="A message nobody has sent: its body, as it would be posted."),
    ] = None,
    message: Annotated[
        str | None, typer.Option("--message", help="Its type, e.g. progress. With --file.")
    ] = None,
    sender: Annotated[
        str | None, typer.Option("--from", help="The organisation that would post it. With --file.")
    ] = None,
    case: Case = None,
    consent: Annotated[
        list[str] | None,
        typer.Option("--consent", metavar="CLASS:STATE[:ORG]", help="The person's word: given, refused, ..."),
    ] = None,
    role: Annotated[
        list[str] | None, typer.Option("--role", metavar="ORG:ROLE", help="Its role on the team.")
    ] = None,
    rung: Annotated[
        list[str] | None, typer.Option("--rung", metavar="ORG:1-4", help="Its brokerage rung.")
    ] = None,
    tier: Annotated[str | None, typer.Option("--tier", metavar="1-4", help="The tier of the case.")] = None,
    rosh: Annotated[
        str | None, typer.Option("--rosh", metavar="LEVEL", help="Risk of serious harm, e.g. HIGH.")
    ] = None,
    mappa: Annotated[
        str | None, typer.Option("--mappa", metavar="CATEGORY/LEVEL", help="MAPPA, e.g. 2/3; or none.")
    ] = None,
    protocol: Annotated[
        list[str] | None,
        typer.Option("--protocol", metavar="ORG:CLASS[:ended]", help="An information-sharing protocol."),
    ] = None,
    standing: Annotated[
        list[str] | None,
        typer.Option("--standing", metavar="ORG:STANDING", help="active or suspended."),
    ] = None,
    folder: Folder = None,
    within_s: Within = 30,
    today: Annotated[
        bool, typer.Option("--today", help="In the world as it is now, not as it was then.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Ask who would be told what, were a consent, role, rung, tier, protocol or policy otherwise.

    A message decided before is put to the router again in the world of its moment, which is made again
    from the log; a message from a file, in the world as it is now. Nothing is sent and nothing is kept.

    What would the drug service have learnt with consent for health, and whom would a plan tell what by
    rules that are not in force yet:

    \b
      hub policy whatif --message-id msg_… \\
        --consent health:given:river-drug-service
      hub policy whatif --file plan.json --message plan \\
        --from probation-n54 --case case_… --policy rules/
    """  # noqa: D301 - the sign that keeps lines as they are is a backspace
    many = {"consent": consent, "role": role, "rung": rung, "protocol": protocol, "standing": standing}
    one = {"tier": tier, "rosh": rosh, "mappa": mappa}
    suppositions = [f"{name}={each}" for name, values in many.items() for each in values or ()]
    suppositions += [f"{name}={value}" for name, value in one.items() if value is not None]
    _check_one_of(message_id, file)
    ask: Callable[[Questions], Awaitable[Supposed]]
    if message_id is not None:
        _check_not_given({"--message": message, "--from": sender, "--case": case}, "--message-id")
        policy, past = _rules(folder), message_id
        ask = lambda asked: asked.what_if_past(past, suppositions, policy=policy, today=today)  # noqa: E731
    else:
        _check_not_given({"--today": today or None}, "--file")
        document, kind, by = _posted(file, message, sender)
        policy = _rules(folder)
        ask = lambda asked: asked.what_if_new(  # noqa: E731
            document, message=kind, organisation=by, case=case, suppositions=suppositions, policy=policy
        )
    answer = put(ask, within_s)
    if as_json:
        _print(_supposed_plain(answer))
        return
    from hub.cli.policy.answers import show_supposed

    show_supposed(answer)


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
    whose referral it is, who wrote it. Whoever only a message itself would name is no party yet.
    """
    kind, of = _message(message), None if information_class is None else _class(information_class)
    _check_one_of(field, information_class, names="--field or --class")

    async def ask(questions: Questions) -> tuple[WhoMaySee, Policy]:
        """Return who may see it, and the rules in force, in whose words the reasons are."""
        found = await questions.who_may_see(case, kind, path=field, information_class=of)
        return found, await questions.hub.rules()

    found, policy = put(ask, 30)
    from hub.cli.policy.answers import plain, show_sights
    from hub.consent.decision import Outcome

    may = [each for each in found.sights if each.outcome is not Outcome.WITHHOLD]
    may_not = [each for each in found.sights if each.outcome is Outcome.WITHHOLD]
    if as_json:
        nobody = {"may_not": may_not, "no_part": found.no_part, "unknown": found.unknown}
        _print(plain({"may": may} | (nobody if everybody else {})))
        return
    show_sights(may, policy, those="May see:" if may else "Nobody may see it.")
    if everybody:
        show_sights(may_not, policy, those="May not:")
        print(f"No part in the case: {', '.join(found.no_part) or 'nobody else on the hub'}")
        if found.unknown:
            print(f"Has a part and is not known to the hub: {', '.join(found.unknown)}")


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
    """Return the fields asked for; NotConfigured names those there are."""
    from hub.errors import NotConfigured

    every = found.explained.fields
    chosen = [each for each in every if field is None or each.path == field]
    if field is not None and not chosen:
        known = ", ".join(dict.fromkeys(each.path for each in every))
        message = f"the decision has no field {field}"
        raise NotConfigured(message, fix=f"one of: {known or 'it has none at all'}")
    return chosen


def _held_back(found: Explanation, field: str | None) -> Iterable[FieldDecision]:
    """Yield the field asked about, or each that did not go."""
    from hub.consent.decision import Outcome

    for each in found.decision.fields:
        if each.path == field or (
            field is None and (each.outcome >= Outcome.REDACT or not found.decision.delivers)
        ):
            yield each


def _show_choice(reference: str, named: Sequence[Entered], *, as_json: bool) -> None:
    """List the decisions a reference names, to choose one."""
    from hub.cli.policy.answers import decision_plain, line

    if as_json:
        _print({"decisions": [decision_plain(each.decision) for each in named]})
        return
    print(f"{reference} names {len(named)} decisions; explain one by its id:")
    for each in named:
        decision = each.decision
        told = "told" if decision.delivers else f"told nothing [{decision.gate}]"
        candidate = decision.candidate
        line(f"{decision.decision_id}  {candidate.organisation} as {candidate.role}: {told}", indent=2)


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


def _supposed_plain(answer: Supposed) -> object:
    from hub.cli.policy.answers import decision_plain, plain

    found = answer.found
    return {
        "supposed": list(answer.suppositions),
        "policy": answer.policy,
        "as_recorded": answer.as_recorded,
        "set_aside": {
            name: None if result.rejection is None else result.rejection.code
            for name, result in (("as_is", found.as_is), ("supposed", found.supposed))
        },
        "differs": [
            {
                "message": each.decision.message,
                "organisation": each.decision.candidate.organisation,
                "role": each.decision.candidate.role,
                "before": None if each.before is None else each.before.delivers,
                "after": None if each.after is None else each.after.delivers,
                "fields": plain(each.fields),
            }
            for each in found.differs
        ],
        "as_is": [decision_plain(each) for each in found.as_is.decisions],
        "would_be": [decision_plain(each) for each in found.supposed.decisions],
    }


def _posted(
    file: Path | None, message: str | None, sender: str | None
) -> tuple[dict[str, object], MessageName, str]:
    """Read a message from a file, as it would be posted."""
    from hub.errors import NotConfigured

    if file is None or message is None or sender is None:
        text = "a message from a file needs its type and who would post it"
        raise NotConfigured(text, fix="give --message and --from")
    try:
        document = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        text = f"{file} cannot be read as JSON: {type(error).__name__}"
        raise NotConfigured(text, fix="give the body as it would be posted; see `hub partner`") from error
    if not isinstance(document, dict):
        text = f"{file} is not a JSON object"
        raise NotConfigured(text, fix="give the body as it would be posted, with author and data")
    return document, _message(message), sender


def _check_one_of(*given: object, names: str = "--message-id or --file") -> None:
    from hub.errors import NotConfigured

    if sum(each is not None for each in given) != 1:
        message = "it must be said what is asked about, once"
        raise NotConfigured(message, fix=f"give {names}")


def _check_not_given(given: Mapping[str, object], beside: str) -> None:
    """Refuse an option that would have no part in the answer."""
    from hub.errors import NotConfigured

    idle = [name for name, value in given.items() if value is not None]
    if idle:
        message = f"{', '.join(idle)} says nothing beside {beside}"
        raise NotConfigured(message, fix=f"leave out {' and '.join(idle)}")


def _rules(folder: Path | None) -> Policy | None:
    """Compile the rules of a folder, where one is named."""
    return None if folder is None else compiled(folder, None)


def _message(name: str) -> MessageName:
    from hub.consent.parties import word
    from hub.errors import NotConfigured
    from hub.messages.envelope import MessageName

    try:
        return word(MessageName, "--message", name)
    except ValueError as error:
        raise NotConfigured(str(error)) from error


def _class(name: str) -> InformationClass:
    from hub.consent.parties import word
    from hub.errors import NotConfigured
    from hub.messages.envelope import InformationClass

    try:
        return word(InformationClass, "--class", name)
    except ValueError as error:
        raise NotConfigured(str(error)) from error


def _print(value: object) -> None:
    print(json.dumps(value, indent=2))
