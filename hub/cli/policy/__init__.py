"""`hub policy`: the rules on who may know what: proved, put in force, read, explained."""

from __future__ import annotations

from collections.abc import Callable

import typer

from hub.cli.policy import (
    asking,
    checking,
    comparing,
    exporting,
    own_copy,
    proving,
    reading,
    recording,
    releasing,
    replaying,
    showing,
    supposing,
)

__all__ = ["app"]

app = typer.Typer(
    add_completion=False, no_args_is_help=True, rich_markup_mode=None, pretty_exceptions_enable=False
)


@app.callback()
def _group() -> None:
    """Check, release and read the rules on who may know what."""


_COMMANDS: dict[str, tuple[Callable[..., None], str]] = {
    "check": (checking.check, "Validate and prove the rules, say what is odd."),
    "prove": (proving.prove, "Prove each invariant, with states and time."),
    "show": (showing.show, "Every rule, or one, in a sentence."),
    "matrix": (reading.matrix, "Who gets what by default, as a table."),
    "record": (recording.record, "The record of processing (DPA 2018 s.61)."),
    "cedar": (exporting.cedar, "Export the rules in Cedar."),
    "explain": (asking.explain, "Why a past decision was so; what would change it."),
    "whatif": (supposing.whatif, "Who would be told what, were something otherwise."),
    "who-may-see": (asking.who_may_see, "Everyone who may see a field now, and why."),
    "own-copy": (own_copy.own_copy, "The plan as the person may have it."),
    "diff": (comparing.diff, "What a change of the rules changes."),
    "replay": (replaying.replay, "What other rules would have decided of late."),
    "propose": (releasing.propose, "Propose the rules as they are now for release."),
    "approve": (releasing.approve, "Approve what was proposed; two others have to."),
    "release": (releasing.release, "Put approved rules in force, now or later."),
    "list": (releasing.list_releases, "The releases: in force, to come, past."),
}
"""Every command in the order of its help, with a line that fits a terminal."""
for _name, (_command, _line) in _COMMANDS.items():
    app.command(_name, short_help=_line)(_command)
