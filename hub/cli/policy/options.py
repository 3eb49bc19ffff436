"""Options that several policy commands share, and what they stand for."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hub.errors import WrongArgument

if TYPE_CHECKING:
    from hub.consent.compile import Policy

Folder = Annotated[
    Path | None, typer.Option("--policy", help="Folder of policy files, instead of the hub's own.")
]
Version = Annotated[str | None, typer.Option("--version", help="Version to name the rules by.")]
Json = Annotated[bool, typer.Option("--json", help="As JSON.")]


def compiled(folder: Path | None, version: str | None) -> Policy:
    """Read, validate and prove the policy of a folder."""
    from hub.topics.policy_files import folder_policy

    return folder_policy(rules_folder(folder), version=version)


def rules_folder(folder: Path | None) -> Path:
    """Return the folder of rules that is meant, the hub's own where none is named."""
    from hub.topics.policy_files import POLICY

    if folder is not None and not folder.is_dir():
        what = "is a file, not a folder" if folder.exists() else "is not there"
        fix = "name the folder that holds gates.yaml and one file per class"
        raise WrongArgument("--policy", f"{folder} {what}", fix=fix)
    return folder or POLICY


def write_file(argument: str, file: Path, text: str, *, make_folder: bool = False) -> None:
    """Write a file somebody asked for; WrongArgument where it cannot be."""
    try:
        if make_folder:
            file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    except OSError as error:
        message = f"{file} cannot be written: {error.strerror}"
        fix = "name a file in a folder that is there and may be written"
        raise WrongArgument(argument, message, fix=fix) from None
