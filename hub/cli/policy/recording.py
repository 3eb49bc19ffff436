"""`hub policy record`: the record of processing activities (DPA 2018 s.61)."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hub.cli.policy.options import Folder, Json, Version, compiled

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from hub.topics.record_of_processing import Point

_INTRODUCTION = """\
# Record of processing activities

What section 61 of the Data Protection Act 2018 has a controller record of its law enforcement processing,
point by point. Made by `python3 -m hub policy record` from the rules, the contracts and the catalogue of
topics, so that it says what the system does; what only the controller knows is given by `--controller FILE`,
or marked to be filled in. The record is made available to the Information Commissioner on request (s.61(5)).
"""


def record(
    folder: Folder = None,
    version: Version = None,
    *,
    controller: Annotated[
        Path | None, typer.Option("--controller", help="YAML file with what only the controller knows.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Write the record of processing that DPA 2018 s.61 asks for, in Markdown or as JSON.

    --controller names a file of `field: text` lines: controller, joint_controller, data_protection_officer,
    recipients_abroad, transfers, erasure_limits, organisational_measures, processor,
    processor_data_protection_officer. What it lacks is marked to be filled in.
    """
    from hub.topics.controller import Controller, read_controller
    from hub.topics.library import SchemaLibrary
    from hub.topics.record_of_processing import points

    policy = compiled(folder, version)
    said = Controller() if controller is None else read_controller(_there(controller))
    found = points(policy, SchemaLibrary.load(), said)
    if as_json:
        body = {
            "policy": policy.name,
            "to_be_filled_in": said.missing,
            "points": [asdict(point) for point in found],
        }
        print(json.dumps(body, indent=2, ensure_ascii=False))
        return
    print(in_markdown(found), end="")


def _there(controller: Path) -> Path:
    """Return the file if it is there to be read."""
    from hub.errors import WrongArgument

    if not controller.is_file():
        what = "is a folder" if controller.is_dir() else "is not there"
        fix = "name a YAML file of `field: text` lines; `hub policy record --help` lists the fields"
        raise WrongArgument("--controller", f"{controller} {what}", fix=fix)
    return controller


def in_markdown(found: Sequence[Point]) -> str:
    """Return the record as a page."""
    return "\n".join((_INTRODUCTION, *(line for point in found for line in _lines(point))))


def _lines(point: Point) -> Iterator[str]:
    yield f"## {point.place} {point.asks}"
    yield ""
    for text in point.says:
        yield text
        yield ""
    for table in point.tables:
        yield f"| {' | '.join(table.head)} |"
        yield f"|{'---|' * len(table.head)}"
        yield from (f"| {' | '.join(row)} |" for row in table.rows)
        yield ""
