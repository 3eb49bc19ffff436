"""Test contracts: a plan in two schema versions, and three partners that agreed on one each.

The domain's own schemas are drafts with one version. Here plan 1.0 lacks what 1.1, today's, has more:
what changed since the version before.
"""

from __future__ import annotations

import json
import shutil
from datetime import date
from typing import TYPE_CHECKING

import yaml

from hub.topics.avro.canonical import digest
from hub.topics.library import SCHEMAS

if TYPE_CHECKING:
    from pathlib import Path

ADDED = "change_summary"
"""The field that plan 1.1 has and plan 1.0 has not."""
OLD, NEW, THIRD, LATE = "example-old", "example-new", "example-third", "example-late"
REGION = "example-region"


def two_plans(folder: Path) -> Path:
    """Make a folder of schemas in which plan has versions 1.0 and 1.1."""
    schemas = shutil.copytree(SCHEMAS, folder / "schemas")
    newer = json.loads((schemas / "plan" / "v1.0.avsc").read_text(encoding="utf-8"))
    older = newer | {"fields": [field for field in newer["fields"] if field["name"] != ADDED]}
    (schemas / "plan" / "v1.1.avsc").write_text(json.dumps(newer), encoding="utf-8")
    (schemas / "plan" / "v1.0.avsc").write_text(json.dumps(older), encoding="utf-8")
    manifest = yaml.safe_load((schemas / "manifest.yaml").read_text(encoding="utf-8"))
    entry = next(each for each in manifest["schemas"] if each["name"] == "plan")
    entry["digest"] = digest(older)
    second = entry | {"id": 9_101, "version": "1.1", "file": "plan/v1.1.avsc", "digest": digest(newer)}
    manifest["schemas"].append(second)
    (schemas / "manifest.yaml").write_text(yaml.safe_dump(manifest), encoding="utf-8")
    return schemas


def agreed(folder: Path, partner: str, version: str, **changes: object) -> None:
    """Write a partner's contract on receiving plans in one version, approved by both sides."""
    contract: dict[str, object] = {
        "partner": partner,
        "message": "plan",
        "contract": 1,
        "direction": "receives",
        "recipient": {"kind": "partner", "rung": 1, "legal_status": "in_house", "roles": ["key_worker"]},
        "versions": {"oldest": version, "newest": version},
        "purposes": ["sentence_plan"],
        "effective": "2026-01-01T00:00:00Z",
        "owner": "Example Owner",
        "approvals": [
            {"by": "Avery Fictional", "role": "Head of Offender Management", "date": date(2025, 12, 1)},
            {"by": "Blake Invented", "role": "Service manager", "date": date(2025, 12, 3)},
        ],
    }
    contract |= changes
    file = folder / partner / f"plan.v{contract['contract']}.yaml"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(yaml.safe_dump(contract), encoding="utf-8")


def organisation(name: str, **changes: object) -> dict[str, object]:
    """An organisation's description: a partner on the first rung unless changed."""
    purposes = ["case_administration", "referral", "sentence_plan", "progress", "risk_alert"]
    return {
        "organisation": name,
        "name": name.replace("-", " ").title(),
        "kind": "partner",
        "rung": 1,
        "legal_status": "in_house",
        "status_evidence": "Example order",
        "standing": "active",
        "purposes": purposes,
        "sends": ["progress"],
        "access": "all_cases",
        "policy_document": True,
        **changes,
    }
