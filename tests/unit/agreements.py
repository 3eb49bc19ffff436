"""For tests of contracts: schema versions there are not yet, and contracts nobody signed."""

from __future__ import annotations

import copy
import json
import shutil
from datetime import date
from typing import TYPE_CHECKING, Any

import yaml

from hub.consent.partner_contracts import PartnerContract, contract_from
from hub.messages.identifiers import Instant
from hub.topics.avro.canonical import digest
from hub.topics.contract_files import ContractFile, ContractFolder
from hub.topics.library import SCHEMAS, read_manifest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

BEGIN = Instant(1_800_000_000_000)


def schemas_in(folder: Path) -> Path:
    """Return a copy of schemas/ that a test may add to."""
    return shutil.copytree(SCHEMAS, folder / "schemas")


def add_version(
    schemas: Path,
    name: str,
    version: str,
    change: Callable[[dict[str, Any]], None],
    *,
    after: str = "1.0",
) -> None:
    """Add a version of a message to a copy of schemas/: an earlier one with a change made to it."""
    schema = copy.deepcopy(json.loads((schemas / name / f"v{after}.avsc").read_text("utf-8")))
    change(schema)
    (schemas / name / f"v{version}.avsc").write_text(json.dumps(schema), "utf-8")
    entries = [dict(entry) for entry in read_manifest(schemas)]
    (before,) = (each for each in entries if (each["name"], each["version"]) == (name, after))
    entries.append(
        {
            **before,
            "id": 500 + len(entries),
            "version": version,
            "file": f"{name}/v{version}.avsc",
            "status": "draft",
            "digest": digest(schema),
        }
    )
    (schemas / "manifest.yaml").write_text(yaml.safe_dump({"schemas": entries}), "utf-8")


def set_status(schemas: Path, name: str, version: str, status: str) -> None:
    """Change what the manifest of a copy of schemas/ says of one version."""
    entries = [dict(entry) for entry in read_manifest(schemas)]
    for entry in entries:
        if (entry["name"], entry["version"]) == (name, version):
            entry["status"] = status
    (schemas / "manifest.yaml").write_text(yaml.safe_dump({"schemas": entries}), "utf-8")


def declare_steps(schemas: Path, name: str, *steps: dict[str, object]) -> None:
    """Write the steps between a message's versions."""
    (schemas / name / "casts.yaml").write_text(yaml.safe_dump({"casts": list(steps)}), "utf-8")


def field_of(schema: dict[str, Any], name: str) -> dict[str, Any]:
    """Return a field of the first level of a schema."""
    found: dict[str, Any] = next(field for field in schema["fields"] if field["name"] == name)
    return found


def drop(*names: str) -> Callable[[dict[str, Any]], None]:
    """Return a change that takes fields of the first level out."""

    def change(schema: dict[str, Any]) -> None:
        schema["fields"] = [field for field in schema["fields"] if field["name"] not in names]

    return change


def append(*fields: dict[str, Any]) -> Callable[[dict[str, Any]], None]:
    """Return a change that adds fields at the end of the first level."""

    def change(schema: dict[str, Any]) -> None:
        schema["fields"] += fields

    return change


def contract_body(**said: object) -> dict[str, object]:
    """Return a control record's body: a contract on plans with a recovery service, but for what is said."""
    usual: dict[str, object] = {
        "partner": "recovery",
        "message": "plan",
        "number": 1,
        "direction": "receives",
        "oldest": "1.0",
        "newest": "1.9",
        "purposes": ["sentence_plan"],
        "view": None,
        "effective": BEGIN,
        "deprecated": None,
        "sunset": None,
        "removal": None,
        "alternative": None,
        "ids": None,
    }
    return {**usual, **said}


def agreed(**said: object) -> PartnerContract:
    """Return a contract on plans with a recovery service, but for what is said."""
    return contract_from(contract_body(**said))


def contract_document(**said: object) -> dict[str, Any]:
    """Return what a contract's file says: plans for a recovery service, but for what is said."""
    usual: dict[str, object] = {
        "partner": "recovery",
        "message": "plan",
        "contract": 1,
        "direction": "receives",
        "recipient": {
            "kind": "partner",
            "rung": 2,
            "legal_status": "under_arrangements",
            "roles": ["key_worker"],
        },
        "versions": {"oldest": "1.0", "newest": "1.9"},
        "purposes": ["sentence_plan"],
        "view": ["version", "change_summary", "objectives[].objective", "objectives[].purpose"],
        "effective": date(2026, 1, 1),
        "owner": "Head of Partnerships (invented)",
        "approvals": [
            {"by": "Avery Fictional", "role": "Head of Offender Management", "date": date(2025, 12, 1)},
            {"by": "Blake Invented", "role": "Service manager", "date": date(2025, 12, 3)},
        ],
    }
    return {**usual, **said}


def write_contract(folder: Path, document: object, *, name: str = "recovery/plan.v1.yaml") -> Path:
    """Write a contract's file into a folder of contracts; returns it."""
    file = folder / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(document if isinstance(document, str) else yaml.safe_dump(document), "utf-8")
    return file


def contracts_of(folder: Path, **said: object) -> ContractFile:
    """Write one contract into a folder of its own and load it."""
    write_contract(folder, contract_document(**said))
    (file,) = ContractFolder.load(folder).files
    return file
