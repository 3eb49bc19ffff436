"""`hub endpoint`: where organisations have their deliveries pushed to, by webhook."""

from __future__ import annotations

import asyncio
import json
from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer

from hub.cli.console import confirmed, show_pairs, show_table
from hub.errors import WrongArgument
from hub.messages.envelope import MessageName

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from hub.adapters.webhooks.endpoints import Endpoint, Endpoints
    from hub.app import Hub

app = typer.Typer(
    help="Where deliveries are pushed to, by webhook: add, verify, pause, resume, remove.",
    add_completion=False,
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
_COLUMNS = ("endpoint", "organisation", "state", "waiting", "oldest since", "parked", "exhausted", "messages")

Which = Annotated[str, typer.Argument(metavar="ENDPOINT", help="Its id, as `hub endpoint list` shows it.")]
AsJson = Annotated[bool, typer.Option("--json", help="JSON, for programs.")]


@app.command()
def add(
    organisation: Annotated[str, typer.Argument(metavar="ORG", help="The organisation's short name.")],
    *,
    url: Annotated[
        str,
        typer.Option(help="Address deliveries are posted to: https, port 443 or 8443; else --on-loopback."),
    ],
    message: Annotated[list[MessageName], typer.Option(help="Message type that goes there; repeat.")],
    on_loopback: Annotated[
        bool,
        typer.Option("--on-loopback", help="For development: the address is on this machine, http or https."),
    ] = False,
) -> None:
    """Have an organisation's deliveries pushed to an address, and show the secret they are signed with.

    To add it is to approve the address: make sure it is the organisation's. The secret isn't shown again.
    Nothing is pushed before `hub endpoint verify`; what was delivered before stays in the mailbox only.
    """
    from hub.adapters.webhooks.target import TargetRefused

    async def work(hub: Hub, endpoints: Endpoints) -> None:
        """Add it for an organisation there is, with messages it does not take by Kafka."""
        found = await hub.organisation(organisation)
        by_kafka = found.get("kafka") or []
        twice = [each.value for each in message if isinstance(by_kafka, list) and each.value in by_kafka]
        if twice:
            wrong = f"{organisation} takes {', '.join(twice)} on its own topic"
            fix = "leave it out here, or first see `python3 -m hub partner amend --help` (--kafka)"
            raise WrongArgument("--message", wrong, fix=fix)
        try:
            made, secret = await endpoints.add(
                organisation, url=url, messages=message, on_loopback=on_loopback
            )
        except TargetRefused as refused:
            raise WrongArgument("--url", str(refused), fix=refused.fix) from None
        print(f"{made} waits to be verified.")
        show_pairs([("secret, shown only now", secret)])
        print(f"Give it to {organisation}. Once its server has it: python3 -m hub endpoint verify {made}")

    _on_endpoints(work)


@app.command("list")
def list_(
    organisation: Annotated[
        str | None, typer.Option("--organisation", help="This organisation's only.")
    ] = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Show every endpoint: whether it is pushed to, how much waits, and since when."""

    async def work(_: Hub, endpoints: Endpoints) -> None:
        """Show them."""
        found = await endpoints.all(organisation)
        if as_json:
            print(json.dumps([{"organisation": each.organisation, **each.document()} for each in found]))
            return
        if found:
            show_table(_COLUMNS, [_row(each) for each in found])
        else:
            print("There is no endpoint.")

    _on_endpoints(work)


@app.command()
def show(endpoint: Which, *, as_json: AsJson = False) -> None:
    """Show one endpoint, and the deliveries that are not pushed to it any more unless somebody says so.

    Parked: its server can't take this one. Exhausted: it was tried as often as may be. Both wait in the
    mailbox.
    """

    async def work(_: Hub, endpoints: Endpoints) -> None:
        """Show it whole."""
        found = await endpoints.one(endpoint)
        troubled = await endpoints.troubled(endpoint)
        shown = {"organisation": found.organisation, **found.document()}
        listed = [
            {
                "delivery": each.delivery_id,
                "message": each.message,
                "state": each.state,
                "reason": each.reason,
                "tries": each.tries,
                "last_try_at": None if each.attempted_at is None else each.attempted_at.isoformat(),
            }
            for each in troubled
        ]
        if as_json:
            print(json.dumps({**shown, "not_pushed": listed}))
            return
        show_pairs([(name.replace("_", " "), _said(value)) for name, value in shown.items()])
        if listed:
            print("Not pushed any more; in the mailbox:")
            show_table(
                [name.replace("_", " ") for name in listed[0]],
                [tuple(map(_said, row.values())) for row in listed],
            )

    _on_endpoints(work)


@app.command()
def verify(endpoint: Which) -> None:
    """Send a signed handshake; if its answer has the challenge in it, deliveries are pushed from now on."""
    _change(lambda endpoints: endpoints.verify(endpoint))


@app.command()
def pause(endpoint: Which) -> None:
    """Push nothing to it for now. What is delivered meanwhile waits, and the mailbox has it."""
    _change(lambda endpoints: endpoints.pause(endpoint))


@app.command()
def resume(endpoint: Which) -> None:
    """Push to it again: what waits goes first, oldest before newest."""
    _change(lambda endpoints: endpoints.resume(endpoint))


@app.command()
def remove(
    endpoint: Which, *, yes: Annotated[bool, typer.Option("--yes", help="Do it without asking.")] = False
) -> None:
    """Push nothing to it any more, once you have said yes. What waited for it stays in the mailbox.

    It cannot be undone: whoever is to be pushed to again gets a new endpoint, with a new secret.
    """

    async def work(_: Hub, endpoints: Endpoints) -> None:
        """Remove it."""
        found = await endpoints.one(endpoint)
        print(f"{endpoint} of {found.organisation} takes {', '.join(sorted(found.messages))}:")
        print(f"  {found.url}; {found.waiting} wait.")
        look = f"look with `python3 -m hub endpoint show {endpoint}`"
        if not confirmed("Is it to be removed?", yes=yes, look=look):
            return
        waited = await endpoints.remove(endpoint)
        print(f"{endpoint} is removed; {waited} deliveries that waited for it are in the mailbox.")

    _on_endpoints(work)


@app.command("rotate-secret")
def rotate_secret(endpoint: Which) -> None:
    """Make a new secret and show it once; the one before it goes on signing for 24 hours."""

    async def work(_: Hub, endpoints: Endpoints) -> None:
        """Make it."""
        show_pairs([("secret, shown only now", await endpoints.rotate_secret(endpoint))])

    _on_endpoints(work)


def _change(verb: Callable[[Endpoints], Awaitable[Endpoint]]) -> None:
    async def work(_: Hub, endpoints: Endpoints) -> None:
        found = await verb(endpoints)
        because = f" ({found.reason})" if found.reason else ""
        print(f"{found.endpoint_id} of {found.organisation} is {found.state}{because}; {found.waiting} wait.")

    _on_endpoints(work)


def _row(found: Endpoint) -> tuple[str, ...]:
    state = f"{found.state} ({found.reason})" if found.reason else found.state
    return (
        found.endpoint_id,
        found.organisation,
        state,
        str(found.waiting),
        _said(found.oldest_at),
        str(found.parked),
        str(found.exhausted),
        " ".join(sorted(found.messages)),
    )


def _said(value: object) -> str:
    if isinstance(value, list):
        return " ".join(map(str, value))
    if isinstance(value, datetime):
        return value.isoformat(timespec="seconds")
    return "-" if value is None else str(value)


def _on_endpoints(work: Callable[[Hub, Endpoints], Awaitable[None]]) -> None:
    from hub.adapters.webhooks.endpoints import UNKNOWN, EndpointRefused
    from hub.app import attached
    from hub.app.pushing import egress, endpoints_of
    from hub.settings import load

    async def run() -> None:
        async with attached(load()) as hub, egress() as out:
            try:
                await work(hub, endpoints_of(hub.pool, hub.codec, out))
            except EndpointRefused as refused:
                if refused.code != UNKNOWN:
                    raise
                raise WrongArgument("ENDPOINT", str(refused), fix=refused.fix) from None

    asyncio.run(run())
