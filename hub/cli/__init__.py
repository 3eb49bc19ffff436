"""The command line: one file per group, imported only when that group is called.

`hub --help` shows the table below without importing any of them, so that it answers at once.
"""

from __future__ import annotations

import importlib
import os
import sys
from typing import TYPE_CHECKING, Annotated

import typer
from typer.core import TyperCommand, TyperGroup

from hub import __version__
from hub.cli.console import exit_code, show_error
from hub.errors import HubError

if TYPE_CHECKING:
    from typing import Any

__all__ = ["app", "main"]

# What each group is for, in one line. A module offers `app` (a group) or `command` (a function).
GROUPS = {
    "demo": "Watch a day of messages, who receives what, and why.",
    "journey": "Stories of one case, played on a real hub: who receives what.",
    "requirements": "What the hub must do, where that comes from, and which tests show it.",
    "simulate": "Send, or write down, an invented world of any size.",
    "test": "Run the tests on a real Kafka and PostgreSQL.",
    "serve": "Run the hub, or one of its roles.",
    "doctor": "Check what the hub stands on, and say what is wrong.",
    "topics": "Plan, apply and verify the Kafka topics of the catalogue.",
    "partner": "Add, list and manage the organisations that take part.",
    "endpoint": "Where deliveries are pushed to, by webhook.",
    "delivery": "See what has not arrived, and set it on its way again.",
    "subscription": "Approve, refuse and end what organisations ask to be alerted of.",
    "quarantine": "List the messages that were not taken, and put them to the hub again.",
    "ledger": "Show who was told what, and why.",
    "projection": "Make the tables in PostgreSQL again from Kafka.",
    "report": "Show figures about many cases, nothing of any one person.",
    "policy": "Check, prove and release the rules on who may know what.",
    "profile": "Show and release the rules of each jurisdiction: scope, tiers, reviews.",
    "contracts": "What travels between whom, in which versions; may a change be released.",
}
_INTERRUPTED = 130


class LazyGroup(TyperGroup):
    """Shows every group from the table; imports the one that is called."""

    def __init__(self, **attributes: Any) -> None:  # noqa: ANN401 - passed through to Typer
        """Stand in for each group with its line of help."""
        attributes["commands"] = {name: TyperCommand(name, help=line) for name, line in GROUPS.items()}
        super().__init__(**attributes)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:  # noqa: ANN401 - Typer keeps these types private
        """Import the group that was called, in place of its stand-in."""
        name, _, rest = super().resolve_command(ctx, args)
        return name, _load(str(name)), rest


app = typer.Typer(
    name="hub",
    cls=LazyGroup,
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _show_version(asked: bool) -> None:  # noqa: FBT001 - Typer calls it so
    if asked:
        print(f"hub {__version__}")
        raise typer.Exit


@app.callback()
def root(
    kafka: Annotated[str | None, typer.Option(help="Kafka to use, host:port.", metavar="ADDRESS")] = None,
    database: Annotated[str | None, typer.Option(help="PostgreSQL to use.", metavar="DSN")] = None,
    instance: Annotated[str | None, typer.Option(help="Which hub's data, where there are several.")] = None,
    log_level: Annotated[str | None, typer.Option(help="debug, info, warning or error.")] = None,
    *,
    _version: Annotated[
        bool,
        typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version and leave."),
    ] = False,
) -> None:
    """Need-to-know messages between probation, prisons and partners, over Kafka."""
    flags = {"KAFKA": kafka, "DATABASE": database, "INSTANCE": instance, "LOG_LEVEL": log_level}
    # In the environment they outrank all but each command's own flags, here and in child processes.
    os.environ.update({f"HUB_{name}": value for name, value in flags.items() if value is not None})


def main() -> None:
    """Run the command line; every error of the hub becomes a sentence, its remedy and an exit code."""
    try:
        app(prog_name="hub")
    except HubError as error:
        show_error(error)
        sys.exit(exit_code(error))
    except KeyboardInterrupt:
        print("\nStopped.", file=sys.stderr)
        sys.exit(_INTERRUPTED)


def _load(name: str) -> Any:  # noqa: ANN401 - Typer keeps the type of a command private
    module = importlib.import_module(f"hub.cli.{name}")
    group = getattr(module, "app", None)
    if group is None:
        group = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)
        # What the module says about its own context (such as taking any option) is kept.
        group.command(name, context_settings=getattr(module, "CONTEXT", None))(module.command)
    command = typer.main.get_command(group)
    command.name = name
    return command
