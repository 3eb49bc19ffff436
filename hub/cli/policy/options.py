"""Options that several policy commands share, and what they stand for."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from hub.consent.compile import Policy

Folder = Annotated[
    Path | None, typer.Option("--policy", help="Folder of policy files, instead of the hub's own.")
]
Version = Annotated[str | None, typer.Option("--version", help="Version to name the rules by.")]
Json = Annotated[bool, typer.Option("--json", help="As JSON.")]


def compiled(folder: Path | None, version: str | None) -> Policy:
    """Read, validate and prove the policy of a folder."""
    from hub.topics.policy_files import POLICY, folder_policy

    return folder_policy(folder or POLICY, version=version)


def write_file(file: Path, text: str, *, make_folder: bool = False) -> None:
    """Write a file somebody asked for; NotConfigured where it cannot be."""
    from hub.errors import NotConfigured

    try:
        if make_folder:
            file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    except OSError as error:
        message = f"{file} cannot be written: {error.strerror}"
        raise NotConfigured(message, fix="name a file in a folder that is there and may be written") from None
