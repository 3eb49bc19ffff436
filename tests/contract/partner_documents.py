"""AsyncAPI documents for tests: of the contracts that come with the hub, and of contracts made up."""

from __future__ import annotations

import json
import shutil
from datetime import date
from typing import TYPE_CHECKING, Any

import yaml

from hub.adapters.gateway.examples import example
from hub.messages.envelope import MessageName
from hub.messages.identifiers import OrganisationId
from hub.topics.asyncapi import document
from hub.topics.contract_files import ContractFolder
from hub.topics.library import SCHEMAS, SchemaLibrary
from hub.topics.yaml_text import to_yaml

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

LIBRARY = SchemaLibrary.load()
EXAMPLES = {str(name): example(name) for name in MessageName}
PARTNER = OrganisationId("harbour-trust")
ENDING = {
    "deprecated": date(2027, 1, 1),
    "sunset": date(2027, 6, 1),
    "removal": date(2028, 1, 1),
    "alternative": "referral.v2",
}


def agree(folder: Path, message: str, **changes: object) -> None:
    """Write one contract file; a partner on rung 2 receives the whole message unless changed."""
    said: dict[str, object] = {
        "partner": PARTNER,
        "message": str(message),
        "contract": 1,
        "direction": "receives",
        "recipient": {
            "kind": "partner",
            "rung": 2,
            "legal_status": "under_arrangements",
            "roles": ["key_worker"],
        },
        "versions": {"oldest": "1.0", "newest": "1.0"},
        "purposes": ["referral", "progress"],
        "effective": date(2026, 1, 1),
        "owner": "Head of Partnerships",
        **changes,
    }
    file = folder / PARTNER / f"{message}.v{said['contract']}.yaml"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(yaml.safe_dump(said), encoding="utf-8")


def described(
    folder: ContractFolder, partner: str = PARTNER, *, library: SchemaLibrary = LIBRARY
) -> dict[str, Any]:
    """A partner's document, read back from its YAML as the partner reads it."""
    made = document(OrganisationId(partner), folder.of(partner), library, EXAMPLES)
    return dict(yaml.safe_load(to_yaml(made)))


def resolved(whole: Mapping[str, Any], part: Mapping[str, Any]) -> dict[str, Any]:
    """A part of a document, or what it refers to."""
    found: Any = part
    while "$ref" in found:
        reference, found = found["$ref"], whole
        for step in reference.removeprefix("#/").split("/"):
            found = found[step]
    return dict(found)


def with_newer_receipt(folder: Path) -> SchemaLibrary:
    """The schemas with receipt 1.99, which has one field more."""
    schemas = shutil.copytree(SCHEMAS, folder / "schemas")
    newer = json.loads((schemas / "receipt" / "v1.0.avsc").read_text(encoding="utf-8"))
    remark = {"name": "remark", "type": ["null", "string"], "default": None}
    newer["fields"].append({**newer["fields"][-1], **remark})
    (schemas / "receipt" / "v1.99.avsc").write_text(json.dumps(newer), encoding="utf-8")
    entry = {
        "id": 259, "name": "receipt", "version": "1.99", "kind": "message", "file": "receipt/v1.99.avsc",
        "status": "draft", "digest": "", "released": None,
    }  # fmt: skip
    with (schemas / "manifest.yaml").open("a", encoding="utf-8") as manifest:
        manifest.write(f"  - {json.dumps(entry)}\n")
    return SchemaLibrary.load(schemas)


def every_document() -> dict[str, dict[str, Any]]:
    """The document of each organisation that comes with the hub."""
    folder = ContractFolder.load()
    return {partner: described(folder, partner) for partner in folder.partners()}
