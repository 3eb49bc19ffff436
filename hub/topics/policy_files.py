"""Reads the policy files into the plain mappings that `hub.consent.compile` takes, and who released them.

`release.yaml` beside the rules says under which version they stand, who wrote and who approved them; it
is no part of the rules, and so not of their digest.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

import yaml

from hub.consent.compile import Policy, compile_policy
from hub.consent.release import Release, release_from, release_name, release_plain
from hub.errors import PolicyRefused
from hub.topics.plain_yaml import read_yaml
from hub.topics.yaml_text import to_yaml

POLICY = Path(__file__).resolve().parents[1] / "consent" / "policy"
"""The rules that come with the hub."""
RELEASE = "release.yaml"
"""The file beside the rules that says who released them."""
UNRELEASED = "unreleased"
"""What rules are named that nobody has proposed yet."""
_HEADING = (
    "# Who proposed these rules and who approved them. Written by `hub policy propose` and `approve`.\n"
)


def read_policy(path: Path = POLICY) -> Mapping[str, object]:
    """Return every policy file of a folder by its name without suffix; raises PolicyRefused."""
    documents: dict[str, object] = {}
    for file in sorted(path.glob("*.yaml")):
        if file.name != RELEASE:
            documents[file.stem] = _read(file)
    if not documents:
        message = f"there are no policy files in the folder {path}"
        raise PolicyRefused(message, fix="name the folder that holds gates.yaml and one file per class")
    return documents


def read_release(path: Path = POLICY) -> Release | None:
    """Return who released the rules of a folder, None where nobody has proposed them.

    Raises:
        PolicyRefused: The file is not readable, or a field of it is wrong and named.
    """
    file = path / RELEASE
    return release_from(_read(file)) if file.is_file() else None


def write_release(release: Release, path: Path = POLICY) -> Path:
    """Write who released the rules of a folder; returns the file."""
    file = path / RELEASE
    file.write_text(_HEADING + to_yaml(release_plain(release)), encoding="utf-8")
    return file


def folder_policy(path: Path = POLICY, *, version: str | None = None) -> Policy:
    """Compile and prove the rules of a folder under the version of their release, or another."""
    if version is None:
        release = read_release(path)
        version = UNRELEASED if release is None else release.version
    return compile_policy(read_policy(path), version=version)


def policy_from_control(body: Mapping[str, Any]) -> Policy:
    """Compile the rules of a control record, whether in force, to come or past.

    Raises:
        PolicyRefused: They are none, or no longer hold by what is proved today.
    """
    return compile_policy(_documents(body), version=str(body.get("version")))


def name_from_control(body: Mapping[str, Any]) -> str:
    """Return the name decisions bear that were made by the rules of a control record."""
    return release_name(str(body.get("version")), _documents(body))


def _documents(body: Mapping[str, Any]) -> Mapping[str, object]:
    documents = body.get("documents")
    if not isinstance(documents, Mapping):
        message = "a policy release holds its documents"
        raise PolicyRefused(message)
    return documents


def _read(file: Path) -> object:
    try:
        found: object = read_yaml(file)
    except (yaml.YAMLError, UnicodeDecodeError, OSError) as fault:
        mark = getattr(fault, "problem_mark", None)
        where = f", line {mark.line + 1}" if mark is not None else ""
        message = f"{file.name}{where}: not readable as YAML"
        raise PolicyRefused(message, fix="mend the file") from fault
    return _dates_as_text(found) if file.name == RELEASE else found


def _dates_as_text(found: object) -> object:
    """YAML reads 2026-11-26 without quotation marks as a date; here it is a text all the same."""
    if isinstance(found, Mapping):
        return {name: _dates_as_text(value) for name, value in found.items()}
    if isinstance(found, list):
        return [_dates_as_text(value) for value in found]
    return found.isoformat() if isinstance(found, date) else found
