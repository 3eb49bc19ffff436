"""`hub partner`: the organisations that take part, and the one time each key is shown."""

from __future__ import annotations

import asyncio
import json
import re
import shlex
import time
from typing import TYPE_CHECKING, Annotated

import typer

from hub.cli.console import show_pairs, show_table
from hub.cli.partner_keys import ack_keys, mesh_key
from hub.consent.parties import EVERY_PRISON, Access, Kind, LegalStatus, Purpose, Standing
from hub.errors import WrongArgument
from hub.messages.envelope import InformationClass, MessageName
from hub.messages.identifiers import OrganisationId

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
    from enum import StrEnum

    from hub.app import Hub

app = typer.Typer(
    help="Add, list and manage the organisations that take part.",
    add_completion=False,
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)

app.command("mesh-key")(mesh_key)
app.command("ack-keys")(ack_keys)
_PROTOCOL = re.compile(r"(?P<name>[^:]+):(?P<classes>[a-z_]+(?:,[a-z_]+)*)")
_PRISON = re.compile(r"[A-Z]{3}")
_COLUMNS = ("name", "kind", "rung", "legal status", "standing", "access", "sends", "by Kafka")
USUAL_PURPOSES = {
    Kind.PROBATION: tuple(Purpose),
    Kind.PRISON: tuple(Purpose),
    Kind.PARTNER: (Purpose.REFERRAL, Purpose.SENTENCE_PLAN, Purpose.PROGRESS, Purpose.RISK_ALERT),
}
"""What a body is told things for unless said otherwise; a partner has to have the others named."""
_GATEWAY_UNKNOWN = "http://127.0.0.1:PORT"


Name = Annotated[str, typer.Argument(help="The organisation's short name.")]
NewName = Annotated[str, typer.Argument(help="Short name: lower-case letters, digits, hyphens.")]
KindOf = Annotated[Kind, typer.Option(help="What sort of body it is.")]
Rung = Annotated[
    int, typer.Option(min=1, max=4, help="Rung of the brokerage ladder: how its work was arranged.")
]
Status = Annotated[LegalStatus, typer.Option(help="Which legal gateways it has by what it is.")]
Evidence = Annotated[str, typer.Option(help="What shows the legal status, e.g. a contract's number.")]
Title = Annotated[str | None, typer.Option(help="Its name as people write it; else made from NAME.")]
Sends = Annotated[
    list[MessageName] | None,
    typer.Option(
        help="Message type it may send; repeat. Without receipt it can't acknowledge, and what has to be "
        "acknowledged is not sent to it."
    ),
]
ByKafka = Annotated[
    list[MessageName] | None, typer.Option(help="Message type it takes on its own topic; repeat.")
]
For = Annotated[
    list[Purpose] | None,
    typer.Option(
        help="What it may be told things for; repeat. Left out: all for probation and prison; for a partner "
        "referral, sentence_plan, progress, risk_alert, so neither changes in the team nor movements."
    ),
]
Protocols = Annotated[
    list[str] | None, typer.Option(help="Sharing protocol from now on, 'NAME:class,class'; repeat.")
]
PrisonCode = Annotated[
    str | None, typer.Option(help="Prison code, e.g. MDI; `every` for the prison service's system.")
]
Region = Annotated[str | None, typer.Option(help="Probation region code, where it is one.")]
Learns = Annotated[
    Access, typer.Option(help="Of which cases it may learn: all that concern it, or those that name it.")
]
HasPolicy = Annotated[
    bool | None,
    typer.Option(
        help="Whether it has the policy document that sensitive data need (DPA 2018 s.42). "
        "Left out: not known, so sensitive data reach it with consent only, an authority not at all."
    ),
]

SendsNow = Annotated[
    list[MessageName] | None,
    typer.Option(help="Message type it may send; repeat. Takes the place of all it might send."),
]
SendsNone = Annotated[bool, typer.Option("--no-sends", help="It may send nothing any more.")]
ByKafkaNow = Annotated[
    list[MessageName] | None,
    typer.Option(
        help="Message type it takes on its own topic; repeat. Takes the place of all it took there."
    ),
]
ByKafkaNone = Annotated[bool, typer.Option("--no-kafka", help="It takes nothing on its own topic any more.")]
ForNow = Annotated[
    list[Purpose] | None,
    typer.Option(help="What it may be told things for; repeat. Takes the place of all there were."),
]
LearnsNow = Annotated[
    Access | None,
    typer.Option(help="Of which cases it may learn: all that concern it, or those that name it."),
]
HasPolicyNow = Annotated[
    bool | None,
    typer.Option(help="Whether it has the policy document that sensitive data need (DPA 2018 s.42)."),
]
DryRun = Annotated[
    bool, typer.Option("--dry-run", help="Only show what would change; nothing is put in force.")
]


@app.command()
def add(  # noqa: PLR0913 - each option is a fact about the organisation
    name: NewName,
    *,
    kind: KindOf,
    rung: Rung,
    legal_status: Status,
    evidence: Evidence,
    title: Title = None,
    sends: Sends = None,
    kafka: ByKafka = None,
    purpose: For = None,
    protocol: Protocols = None,
    prison: PrisonCode = None,
    region: Region = None,
    access: Learns = Access.ALL_CASES,
    policy_document: HasPolicy = None,
) -> None:
    """Let an organisation take part, and show its key. The key is not kept: it can't be shown again."""
    check_prison(kind, prison)
    body: dict[str, object] = {
        "organisation": name,
        "name": title or name.replace("-", " ").title(),
        "kind": kind.value,
        "rung": rung,
        "legal_status": legal_status.value,
        "status_evidence": evidence,
        "standing": Standing.ACTIVE.value,
        "purposes": [each.value for each in purpose or USUAL_PURPOSES[kind]],
        "protocols": [_protocol(text) for text in protocol or ()],
        "sends": [each.value for each in sends or ()],
        "kafka": [each.value for each in kafka or ()],
        "prison": prison,
        "region": region,
        "access": access.value,
        "policy_document": policy_document,
    }

    async def work(hub: Hub) -> None:
        """Put it in force, unless the name is taken."""
        if any(known["organisation"] == name for known in await hub.organisations()):
            message = f"{name} takes part already"
            fix = "see `python3 -m hub partner list`; choose another name for another organisation"
            raise WrongArgument("NAME", message, fix=fix)
        key = await hub.add_organisation(body)
        _show_added(body, key=key, url=hub.http_url)

    _on_hub(work)


@app.command("list")
def list_(
    *, as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line, for programs.")] = False
) -> None:
    """Show every organisation that takes part, as the control records in force describe it."""

    async def work(hub: Hub) -> None:
        """Show what is in force."""
        found = await hub.organisations()
        if as_json:
            for body in found:
                print(json.dumps(body, sort_keys=True))
            return
        _show_table([_row(body) for body in found])

    _on_hub(work)


@app.command()
def key(
    name: Name,
    *,
    only: Annotated[bool, typer.Option("--only", help="Revoke its earlier keys.")] = False,
) -> None:
    """Make another key for an organisation and show it once, e.g. where one was lost."""

    async def work(hub: Hub) -> None:
        """Make it for an organisation there is."""
        found = await hub.organisation(name)
        print(await hub.new_key(OrganisationId(str(found["organisation"])), only=only))

    _on_hub(work)


@app.command()
def suspend(name: Name) -> None:
    """Stop dealing with an organisation, and delete what stands on its topic hub.to.NAME.

    At once: no message of it is taken, over HTTP or Kafka, its mailbox is shut, and nothing new is addressed
    to it; what its systems have not read from its topic yet, they cannot read any more. What waits in its
    mailbox waits on, until `hub partner resume`; that is all it then gets of what was on the topic.
    """
    _on_hub(lambda hub: _stand(hub, name, Standing.SUSPENDED))


@app.command()
def resume(name: Name) -> None:
    """Deal with a suspended organisation again; its key is the one it had."""
    _on_hub(lambda hub: _stand(hub, name, Standing.ACTIVE))


@app.command()
def amend(  # noqa: PLR0913 - each option is a fact about the organisation
    name: Name,
    *,
    sends: SendsNow = None,
    no_sends: SendsNone = False,
    kafka: ByKafkaNow = None,
    no_kafka: ByKafkaNone = False,
    purpose: ForNow = None,
    prison: PrisonCode = None,
    access: LearnsNow = None,
    policy_document: HasPolicyNow = None,
    dry_run: DryRun = False,
) -> None:
    """Say anew what is known of an organisation; the rest stays. It counts from the next message on.

    What changes is shown, before and after. Messages that wait for it are decided again.
    """
    said = {
        "sends": _list("sends", sends, none=no_sends),
        "kafka": _list("kafka", kafka, none=no_kafka),
        "purposes": _list("purpose", purpose, none=False),
        "prison": prison,
        "access": None if access is None else access.value,
        "policy_document": policy_document,
    }

    async def work(hub: Hub) -> None:
        """Put it in force for an organisation there is."""
        before = await hub.organisation(name)
        body = amended(before, said)
        if prison is not None:
            check_prison(Kind(str(before["kind"])), prison)
        changes = list(_changes(before, body))
        if not changes:
            print(f"{name} is so already: nothing changes.")
            return
        if dry_run:
            await hub.check_organisation(body)
            print(f"{name} would be, and nothing has been changed:\n")
        else:
            await hub.put_organisation(body)
            print(f"{name}, in every partition of the log:\n")
        show_pairs(changes)

    _on_hub(work)


def check_prison(kind: Kind, prison: str | None) -> None:
    """Refuse a prison without its code, and a code of what is none: by it one knows who holds somebody."""
    if kind is not Kind.PRISON:
        if prison is None:
            return
        message, fix = f"a prison code is a prison's, and this is of the kind {kind}", "leave out --prison"
    elif prison is None:
        message = "a prison is found by its code, and none is given"
        fix = (
            f"give --prison with its code, e.g. MDI, or --prison {EVERY_PRISON} for the service's own system"
        )
    elif prison == EVERY_PRISON or _PRISON.fullmatch(prison):
        return
    else:
        message = f"{prison} is no prison code"
        fix = f"give three capital letters, e.g. MDI, or {EVERY_PRISON} for the prison service's own system"
    raise WrongArgument("--prison", message, fix=fix)


def amended(body: Mapping[str, object], said: Mapping[str, object]) -> dict[str, object]:
    """Return an organisation's description with what is said in place of what stood there; None: not said."""
    new = {name: value for name, value in said.items() if value is not None}
    if not new:
        fix = "give --sends, --kafka, --purpose, --prison, --access or --policy-document; see --help"
        raise WrongArgument("OPTIONS", "nothing to amend is said", fix=fix)
    return {**body, **new}


def _changes(before: Mapping[str, object], after: Mapping[str, object]) -> Iterator[tuple[str, str]]:
    """Yield each fact that is another than before, with what it was and what it is."""
    for name, value in after.items():
        was = before.get(name)
        if _plain(was) == _plain(value):
            continue
        yield name.replace("_", " "), f"{_words(was)}  ->  {_words(value)}"


def _plain(value: object) -> object:
    """Return a fact so that two can be compared: the order of a list says nothing, nor does its absence."""
    return sorted(map(str, value)) if isinstance(value, list) else value if value is not None else []


def _list(option: str, given: Sequence[StrEnum] | None, *, none: bool) -> list[str] | None:
    """Return what a repeated option names, each once; None where nothing is said of it."""
    if none and given:
        raise WrongArgument(f"--{option}", f"it contradicts --no-{option}", fix="give one of them")
    if none:
        return []
    return [*dict.fromkeys(each.value for each in given)] if given else None


async def _stand(hub: Hub, name: str, standing: Standing) -> None:
    body = await hub.organisation(name)
    await hub.put_organisation(body | {"standing": standing.value})
    print(f"{name} is {standing} in every partition of the log.")
    if standing is Standing.SUSPENDED and await hub.empty_topic(OrganisationId(name)):
        print(f"What stood on hub.to.{name} is deleted; what was read from there before stays with it.")


def _on_hub(work: Callable[[Hub], Awaitable[None]]) -> None:
    from hub.app import attached
    from hub.settings import load

    async def run() -> None:
        async with attached(load()) as hub:
            await work(hub)

    asyncio.run(run())


def _protocol(text: str) -> dict[str, object]:
    """Read a protocol as the command line writes it."""
    read = _PROTOCOL.fullmatch(text)
    known = {each.value for each in InformationClass}
    classes = read["classes"].split(",") if read else []
    if read is None or not known.issuperset(classes):
        message = "it is not written as NAME:class,class"
        raise WrongArgument("--protocol", message, fix=f"name classes out of {', '.join(sorted(known))}")
    return {"name": read["name"], "classes": classes, "since": time.time_ns() // 1_000_000, "until": None}


def _show_added(body: Mapping[str, object], *, key: str, url: str) -> None:
    print(f"{body['organisation']} takes part. Its key, shown this once:\n")
    print(f"  {key}\n")
    show_pairs(
        (name.replace("_", " "), _words(value)) for name, value in body.items() if value not in (None, [])
    )
    print("\nTry it:\n")
    print(f"  export HUB_KEY={key}")
    for line in curls(body, url=url or _GATEWAY_UNKNOWN):
        print(f"  {line}")
    if not url:
        print("\nNo gateway of this instance is up: put its address in place of the one above.")


def curls(body: Mapping[str, object], *, url: str) -> list[str]:
    """Return commands that work as they stand: ask the mailbox, and try what may be sent."""
    from hub.adapters.gateway.examples import example
    from hub.adapters.gateway.routes import route_of

    bearer = '-H "Authorization: Bearer $HUB_KEY"'
    commands = [f"curl -sS {bearer} {url}/v1/mailbox/messages"]
    sends = body["sends"]
    if isinstance(sends, list) and sends:
        message = MessageName(sends[0])
        commands.append(
            f"curl -sS {bearer} -H 'Content-Type: application/json' -H 'Idempotency-Key: try-1'"
            f" -d {shlex.quote(json.dumps(example(message)))} '{url}{route_of(message)}?dry_run=true'"
        )
    return commands


def _row(body: Mapping[str, object]) -> tuple[str, ...]:
    names = ("organisation", "kind", "rung", "legal_status", "standing", "access", "sends", "kafka")
    return tuple(_words(body.get(name)) for name in names)


def _words(value: object) -> str:
    if isinstance(value, list):
        return ", ".join(_words(each) for each in value) or "-"
    if isinstance(value, dict):
        return f"{value['name']} ({_words(value['classes'])})"
    return "not known" if value is None else str(value)


def _show_table(rows: Sequence[tuple[str, ...]]) -> None:
    if rows:
        show_table(_COLUMNS, rows)
    else:
        print("No organisation takes part yet; add one with `python3 -m hub partner add`.")
