"""Policy releases for tests: rules changed in one place, and the record that puts them in force."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from hub.consent.release import Approval, Release, digest_of, release_body
from hub.topics.policy_files import read_policy

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hub.messages.identifiers import Instant

AUTHOR, FIRST, SECOND = "Imogen Vale", "Tomasz Birch", "Ruth Adeyemi"


def rules(**fields: Mapping[str, object]) -> dict[str, Any]:
    """Return the hub's own rules, some (by id, `__` for a dot) with other fields; None: without it."""
    documents: dict[str, Any] = json.loads(json.dumps(read_policy()))
    for key, changes in fields.items():
        found = [rule for rule in _every(documents) if rule["id"] == key.replace("__", ".").replace("_", "-")]
        assert len(found) == 1, key
        for name, value in changes.items():
            found[0].pop(name, None)
            if value is not None:
                found[0][name] = value
    return documents


def without(rule: str) -> dict[str, Any]:
    """Return the hub's own rules without one of them."""
    documents: dict[str, Any] = json.loads(json.dumps(read_policy()))
    before = sum(1 for _ in _every(documents))
    for document in documents.values():
        for part in ("gates", "everywhere", "rules"):
            if part in document:
                document[part] = [each for each in document[part] if each["id"] != rule]
    assert sum(1 for _ in _every(documents)) == before - 1, rule
    return documents


def approved(
    documents: Mapping[str, object], version: str, *, by: tuple[str, ...] = (FIRST, SECOND)
) -> Release:
    """Return a release of these rules with their approvals."""
    digest = digest_of(documents)
    return Release(
        version=version,
        digest=digest,
        author=AUTHOR,
        proposed="2026-11-26",
        approvals=tuple(Approval(by=each, date="2026-11-27", digest=digest) for each in by),
    )


def body(
    documents: Mapping[str, object], version: str, *, effective_at: Instant | None = None
) -> dict[str, object]:
    """Return the body of the control record that releases these rules."""
    return release_body(approved(documents, version), documents, effective_at)


def changed(plain: Mapping[str, object], changes: Mapping[str, object]) -> dict[str, object]:
    """Return a body with other fields; `...` takes one away."""
    return {name: value for name, value in {**plain, **changes}.items() if value is not ...}


def _every(documents: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [
        rule
        for document in documents.values()
        for part in ("gates", "everywhere", "rules")
        for rule in document.get(part, ())
    ]
