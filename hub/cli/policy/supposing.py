"""`hub policy whatif`: who would be told what, were something otherwise. For staff."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hub.cli.policy.arguments import check_not_given, check_one_of, message_named
from hub.cli.policy.asking import Case, Within, put
from hub.cli.policy.options import Folder, Json, compiled

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hub.app.questions import Questions
    from hub.app.what_if import Posted, Supposed

PastMessage = Annotated[
    str | None, typer.Option("--message-id", help="A message decided before: its id, or msg_….")
]
File = Annotated[
    Path | None,
    typer.Option("--file", help="A message nobody has sent: its body, as it would be posted."),
]
Message = Annotated[str | None, typer.Option("--message", help="Its type, e.g. progress. With --file.")]
Sender = Annotated[
    str | None, typer.Option("--from", help="The organisation that would post it. With --file.")
]
Consents = Annotated[
    list[str] | None,
    typer.Option("--consent", metavar="CLASS:STATE[:ORG]", help="The person's word: given, refused, ..."),
]
Roles = Annotated[list[str] | None, typer.Option("--role", metavar="ORG:ROLE", help="Its role on the team.")]
Rungs = Annotated[list[str] | None, typer.Option("--rung", metavar="ORG:1-4", help="Its brokerage rung.")]
Tier = Annotated[str | None, typer.Option("--tier", metavar="1-4", help="The tier of the case.")]
Rosh = Annotated[str | None, typer.Option("--rosh", metavar="LEVEL", help="Risk of serious harm, e.g. HIGH.")]
MappaLevel = Annotated[
    str | None, typer.Option("--mappa", metavar="CATEGORY/LEVEL", help="MAPPA, e.g. 2/3; or none.")
]
Protocols = Annotated[
    list[str] | None,
    typer.Option("--protocol", metavar="ORG:CLASS[:ended]", help="An information-sharing protocol."),
]
Standings = Annotated[
    list[str] | None, typer.Option("--standing", metavar="ORG:STANDING", help="active or suspended.")
]
Today = Annotated[bool, typer.Option("--today", help="In the world as it is now, not as it was then.")]
_BODY = (
    "give the body as it would be posted: a JSON object with contract, occurred_at, author, author_role, "
    "statement and data; `python3 -m hub contracts show` says what data has"
)


def whatif(  # noqa: PLR0913 - one option for each thing that can be supposed
    *,
    message_id: PastMessage = None,
    file: File = None,
    message: Message = None,
    sender: Sender = None,
    case: Case = None,
    consent: Consents = None,
    role: Roles = None,
    rung: Rungs = None,
    tier: Tier = None,
    rosh: Rosh = None,
    mappa: MappaLevel = None,
    protocol: Protocols = None,
    standing: Standings = None,
    folder: Folder = None,
    within_s: Within = 30,
    today: Today = False,
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
    suppositions = [f"{name}={each}" for name, values in many.items() for each in values or ()]
    one = {"tier": tier, "rosh": rosh, "mappa": mappa}
    suppositions += [f"{name}={value}" for name, value in one.items() if value is not None]
    check_one_of({"--message-id": message_id, "--file": file})
    if message_id is not None:
        check_not_given({"--message": message, "--from": sender, "--case": case}, "--message-id")
        what: str | Posted = message_id
    else:
        check_not_given({"--today": today or None}, "--file")
        what = _posted(file, message, sender, case)
    _show(_answered(what, suppositions, folder, within_s, today=today), as_json=as_json)


def _answered(
    what: str | Posted, suppositions: list[str], folder: Path | None, within_s: float, *, today: bool
) -> Supposed:
    """Put the question, with the rules of a folder where one is named."""
    policy = None if folder is None else compiled(folder, None)

    async def ask(questions: Questions) -> Supposed:
        """Ask of a message of the past by its id, or of one that nobody has sent."""
        from hub.app.what_if import what_if_new, what_if_past

        if isinstance(what, str):
            return await what_if_past(questions, what, suppositions, policy=policy, today=today)
        return await what_if_new(questions, what, suppositions, policy=policy)

    return put(ask, within_s)


def _show(answer: Supposed, *, as_json: bool) -> None:
    if as_json:
        print(json.dumps(_plain(answer), indent=2))
        return
    from hub.cli.policy.answers import show_supposed

    show_supposed(answer)


def _plain(answer: Supposed) -> object:
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


def _posted(file: Path | None, message: str | None, sender: str | None, case: str | None) -> Posted:
    """Read a message from a file, as it would be posted."""
    from hub.app.what_if import Posted
    from hub.errors import WrongArgument

    lacking = [name for name, value in (("--message", message), ("--from", sender)) if value is None]
    if file is None or message is None or sender is None:
        text = f"a message from a file needs its type and who would post it: {' and '.join(lacking)}"
        raise WrongArgument("--file", text, fix=f"give {' and '.join(lacking)}")
    kind = message_named(message)
    return Posted(document=_body(file), message=kind, organisation=sender, case=case)


def _body(file: Path) -> Mapping[str, object]:
    """Read the body of a message; what is wrong is said by place, never by value."""
    from hub.errors import WrongArgument

    try:
        document = json.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise WrongArgument("--file", f"{file} cannot be read: {error.strerror}", fix=_BODY) from error
    except json.JSONDecodeError as error:
        text = f"{file} is not JSON from line {error.lineno}, column {error.colno} on"
        raise WrongArgument("--file", text, fix=_BODY) from error
    except ValueError as error:
        raise WrongArgument("--file", f"{file} is no text in UTF-8", fix=_BODY) from error
    if not isinstance(document, dict):
        raise WrongArgument("--file", f"{file} is not a JSON object", fix=_BODY)
    return document
