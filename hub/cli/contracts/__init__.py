"""`hub contracts`: what travels, between whom, in which versions; whether a change may be released."""

from __future__ import annotations

from collections.abc import Callable

import typer

from hub.cli.contracts import changing, partners, publishing, reading

__all__ = ["app"]

app = typer.Typer(
    add_completion=False, no_args_is_help=True, rich_markup_mode=None, pretty_exceptions_enable=False
)


@app.callback()
def _group() -> None:
    """The contracts: what travels, between whom, in which versions; and whether a change may be released.

    Message contracts are the Avro schemas in schemas/. Partners' contracts are the files in contracts/: which
    organisation receives or sends which message, in which versions, which fields, until when.

    Every command leaves with 0 where all is well. With 2 where it was not called as its --help says. With 4
    where something stops a release, or a file cannot be used: then the reason stands on standard error. With
    5 where something, such as a database or a registry, did not answer.
    """


_COMMANDS: dict[str, tuple[Callable[..., None], str]] = {
    "list": (reading.list_contracts, "The message contracts, their versions and ids."),
    "show": (reading.show, "One message, field by field."),
    "diff": (changing.diff, "What differs between two versions."),
    "compat": (changing.compat, "May one schema be released after another?"),
    "lint": (changing.lint, "Do schemas keep the hub's rules?"),
    "check": (changing.check, "All checks; with --against, of a change."),
    "can-i-release": (partners.can_i_release, "Whom would a version break?"),
    "stamp": (changing.stamp, "Renew the digests of drafts."),
    "verify": (partners.verify, "Do partners' contracts hold, on bytes?"),
    "views": (partners.views, "Files generated from the contracts."),
    "who-uses": (partners.who_uses, "Which contracts have a field?"),
    "sunset-report": (partners.sunset_report, "What comes to its end, and when."),
    "release": (publishing.release, "Put contracts in force on a hub."),
    "register": (publishing.register, "Publish schemas to a registry."),
}
"""Every command in the order of its help, with a line that fits a terminal."""
for _name, (_command, _line) in _COMMANDS.items():
    app.command(_name, short_help=_line)(_command)
