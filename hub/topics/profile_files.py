"""Reads jurisdiction profiles from their files and from control records.

The profiles that come with the hub hold until others are released: a case is never without rules.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from hub.cases.profile import Profile, in_force
from hub.cases.profile_reader import profile_from
from hub.errors import NotConfigured
from hub.messages.case import Jurisdiction
from hub.messages.identifiers import Instant
from hub.topics.plain_yaml import read_yaml

PROFILES = Path(__file__).resolve().parents[1] / "cases" / "profiles"
"""The profiles that come with the hub."""
END_OF_TIME = Instant(253_402_300_799_999)
"""The last millisecond of the year 9999."""
KIND = "profile"
"""What a control record that puts a profile in force is called."""


def read_profiles(path: Path = PROFILES) -> tuple[dict[str, Any], ...]:
    """Return every profile of a folder as it is written; NotConfigured where one cannot be read."""
    files = sorted(path.glob("*.yaml"))
    if not files:
        message = "there are no profiles in the folder"
        raise NotConfigured(message, fix="name the folder that holds one YAML file per jurisdiction")
    return tuple(_in_json(_read(file)) for file in files)


def check_profiles(documents: Iterable[Mapping[str, object]]) -> tuple[Profile, ...]:
    """Return the profiles of some documents; NotConfigured names every field at fault."""
    found: list[Profile] = []
    faults: list[str] = []
    for document in documents:
        try:
            found.append(profile_from(document))
        except ValueError as fault:
            faults.append(f"{document.get('jurisdiction')}: {fault}")
    if faults:
        message = "a profile does not hold:\n" + "\n".join(f"- {fault}" for fault in faults)
        raise NotConfigured(message, fix="mend the named fields")
    return tuple(found)


@cache
def shipped() -> Mapping[str, Profile]:
    """Return the profiles that come with the hub, by jurisdiction."""
    return {each.jurisdiction: each for each in check_profiles(read_profiles())}


def profile_of(jurisdiction: str, released: Iterable[Profile], now: Instant) -> Profile:
    """Return the profile of a jurisdiction at a moment: of those released, else the one of the hub."""
    return profile_span(jurisdiction, released, now)[2]


def profile_span(jurisdiction: str, released: Iterable[Profile], now: Instant) -> tuple[int, int, Profile]:
    """Return the profile of a jurisdiction at a moment, and since and until when no other takes its place.

    Before the first release it is the one that comes with the hub. A jurisdiction nobody has written a
    profile for is managed as England and Wales, where the model is from.
    """
    own = tuple(each for each in released if each.jurisdiction == jurisdiction)
    held = in_force(own, now)
    since = 0 if held is None else held.in_force_from
    until = min((each.in_force_from for each in own if each.in_force_from > now), default=END_OF_TIME)
    if held is None:
        held = shipped().get(jurisdiction) or shipped()[Jurisdiction.ENGLAND_AND_WALES]
    return since, until, held


def _in_json(document: dict[str, Any]) -> dict[str, Any]:
    """Return a document as JSON has it: a rung, which is a number in YAML, is a text as a name."""
    found: dict[str, Any] = json.loads(json.dumps(document, default=str))
    return found


def _read(file: Path) -> dict[str, Any]:
    try:
        found = read_yaml(file)
    except (yaml.YAMLError, UnicodeDecodeError, OSError) as fault:
        mark = getattr(fault, "problem_mark", None)
        where = f", line {mark.line + 1}" if mark is not None else ""
        message = f"{file.name}{where}: not readable as YAML"
        raise NotConfigured(message, fix="mend the file") from fault
    if not isinstance(found, dict):
        message = f"{file.name}: a profile is a mapping"
        raise NotConfigured(message, fix="mend the file")
    return found
