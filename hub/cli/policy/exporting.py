"""`hub policy cedar`: the rules in Cedar, for whoever has its tools."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from hub.cli.policy.options import Folder, Version, compiled, write_file

POLICIES, SCHEMA = "hub.cedar", "hub.cedarschema"
"""Names of the files written."""


def cedar(
    folder: Folder = None,
    version: Version = None,
    *,
    out: Annotated[
        Path | None, typer.Option("--out", help="Folder for both files, instead of showing the policies.")
    ] = None,
) -> None:
    """Export the rules as Cedar policies, with a schema of the facts they ask about.

    What is in force are the policy files; this is to read, analyse and compare them with Cedar's own tools.
    """
    from hub.consent.cedar import policies, schema

    policy = compiled(folder, version)
    if out is None:
        print(policies(policy))
        return
    write_file("--out", out / POLICIES, policies(policy), make_folder=True)
    write_file("--out", out / SCHEMA, schema())
    print(f"written: {out / POLICIES} and {out / SCHEMA}")
