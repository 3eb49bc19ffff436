"""`hub policy`: the rules on who may know what: proved, put in force, read, explained."""

from __future__ import annotations

from collections.abc import Callable

import typer

from hub.cli.policy import checking, exporting, reading, releasing

__all__ = ["app"]

app = typer.Typer(
    add_completion=False, no_args_is_help=True, rich_markup_mode=None, pretty_exceptions_enable=False
)


@app.callback()
def _group() -> None:
    """Check, release and read the rules on who may know what."""


_COMMANDS: dict[str, tuple[Callable[..., None], str]] = {
    "check": (checking.check, "Validate the rules, prove every invariant."),
    "release": (releasing.release, "Prove the rules, put them in force."),
    "matrix": (reading.matrix, "Who gets what by default, as a table."),
    "cedar": (exporting.cedar, "Export the rules in Cedar."),
}
"""Every command in the order of its help, with a line that fits a terminal."""
for _name, (_command, _line) in _COMMANDS.items():
    app.command(_name, short_help=_line)(_command)
