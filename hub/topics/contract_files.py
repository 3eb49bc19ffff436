"""The folder contracts/: what was agreed with each organisation, one YAML file per message and contract.

A file is what people sign; from it follow the control record the hub acts on, the view schemas, the
published documents and the checks of `hub contracts verify`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from datetime import date as date_
from pathlib import Path
from typing import Any, Self

import yaml

from hub.consent.parties import RUNGS, Kind, LegalStatus, nearest, word
from hub.consent.partner_contracts import Direction, PartnerContract, contract_from
from hub.errors import Drift, NotConfigured
from hub.messages.envelope import Role
from hub.messages.identifiers import is_organisation
from hub.topics.library import Contract, SchemaLibrary
from hub.topics.plain_yaml import read_yaml
from hub.topics.values import instant_from_text
from hub.topics.views import view_in

CONTRACTS = Path(__file__).resolve().parents[2] / "contracts"
"""The contracts that come with the hub: those of the organisations of its demonstration."""
REGISTRY_IDS = "registry.yaml"
"""File of the folder with the ids that an outside registry gave views, by file and schema version."""
ASYNCAPI = "asyncapi"
"""Folder in it with each partner's generated document."""
_FILE_NAME = re.compile(r"([a-z-]+)\.v([1-9][0-9]{0,2})\.yaml")
_DATES = ("effective", "deprecated", "sunset", "removal")
_FILES_MAX = 5_000
_ID_MAX = 2**31 - 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipient:
    """What the partner is to the rules, as far as a view depends on it: its ceiling follows from this."""

    kind: Kind
    rung: int
    legal_status: LegalStatus
    roles: tuple[Role, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Expectation:
    """What the partner itself relies on: a field it needs, and which symbols of it it understands."""

    field: str
    values: tuple[str, ...]
    because: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Approval:
    """Who agreed, in which role, when."""

    by: str
    role: str
    date: date_


@dataclass(frozen=True, slots=True, kw_only=True)
class RegistryId:
    """The id an outside registry gave a view, and the digest of the view it gave it to."""

    id: int
    digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ContractFile:
    """One file of the folder."""

    path: Path
    terms: PartnerContract
    recipient: Recipient
    expects: tuple[Expectation, ...]
    golden: tuple[Path, ...]
    registered: Mapping[str, RegistryId]
    """By schema version, what an outside registry has of its view."""
    owner: str
    approvals: tuple[Approval, ...]

    @property
    def label(self) -> str:
        """Its name for people, e.g. `example-recovery-service/referral.v1`."""
        return f"{self.terms.partner}/{self.terms.name}"

    def versions(self, library: SchemaLibrary) -> tuple[str, ...]:
        """Return the schema versions there are in its range, oldest first."""
        return tuple(
            version for version in library.versions(self.terms.message) if self.terms.covers(version)
        )

    def views(self, library: SchemaLibrary) -> tuple[Contract, ...]:
        """Return its view of every schema version in its range; of what it sends, the whole schema.

        Raises:
            NotConfigured: The view names a field its newest version does not have, or leaves out a key.
            Drift: The view is another than the one an outside registry gave its id to.
        """
        views = tuple(view_in(library, self.terms, version) for version in self.versions(library))
        for view in views:
            known = self.registered.get(view.version)
            if known is not None and known.digest != view.digest:
                message = f"{self.label}: the view of {view.version} changed after a registry gave it an id"
                raise Drift(message, fix="register it anew: `hub contracts register --adopt`")
        return views


@dataclass(frozen=True, slots=True, kw_only=True)
class ContractFolder:
    """All contracts of a folder."""

    path: Path
    files: tuple[ContractFile, ...]

    @classmethod
    def load(cls, path: Path = CONTRACTS) -> Self:
        """Read every contract of a folder.

        Raises:
            NotConfigured: There is no such folder, which must not pass for no contracts; or a file is not
                a contract: names it, the field and the fix.
        """
        if not path.is_dir():
            message = f"there is no folder of contracts {path}"
            raise NotConfigured(message, fix="name the folder, or make an empty one where none are agreed")
        # Also what is not named as a contract is: left out without a word it would pass for agreed.
        found = sorted(file for file in path.glob("*/*.y*ml") if not is_document(file))
        if len(found) > _FILES_MAX:
            message = f"{path.name} holds more than {_FILES_MAX} contracts"
            raise NotConfigured(message, fix="keep the contracts of several hubs in folders of their own")
        ids = _registry_ids(path / REGISTRY_IDS)
        files = tuple(_read(file, ids) for file in found)
        return cls(path=path, files=files)

    def partners(self) -> tuple[str, ...]:
        """Return every organisation that has a contract."""
        return tuple(sorted({each.terms.partner for each in self.files}))

    def of(self, partner: str) -> tuple[ContractFile, ...]:
        """Return the contracts of one organisation."""
        return tuple(each for each in self.files if each.terms.partner == partner)


def is_document(file: Path) -> bool:
    """Tell whether a file of the folder is a partner's generated document.

    A partner could be called asyncapi: its contracts have a dot before their ending, documents have none.
    """
    return file.parent.name == ASYNCAPI and is_organisation(file.stem)


def write_registry_ids(folder: ContractFolder, library: SchemaLibrary, given: Mapping[str, int]) -> Path:
    """Write the ids an outside registry gave, by digest of the view, into the folder; returns the file.

    Raises:
        NotConfigured: An id is one of the hub's own schemas', so that a record could be read as that.
    """
    ids: dict[str, dict[str, dict[str, object]]] = {}
    for file in folder.files:
        for version in file.versions(library) if file.terms.direction is Direction.RECEIVES else ():
            view = view_in(library, file.terms, version)
            number = given.get(view.digest)
            if number is None:
                continue
            if library.has_id(number) or not 0 < number <= _ID_MAX:
                message = f"the registry gave {file.label} the id {number}: one of the hub's own, or none"
                raise NotConfigured(message, fix="register in a registry that has given other ids")
            where = f"{file.path.parent.name}/{file.path.name}"
            ids.setdefault(where, {})[version] = {"id": number, "digest": view.digest}
    path = folder.path / REGISTRY_IDS
    head = "# Ids an outside registry gave; written by `hub contracts register --adopt`.\n"
    path.write_text(head + yaml.safe_dump({"ids": ids}, sort_keys=True), encoding="utf-8")
    return path


def control_body(terms: PartnerContract) -> dict[str, object]:
    """Return a contract as its control record holds it; `contract_from` reads it back."""
    body: dict[str, object] = {field.name: getattr(terms, field.name) for field in fields(terms)}
    for name in ("message", "direction"):
        body[name] = str(body[name])
    body["purposes"] = sorted(map(str, terms.purposes))
    body["view"] = None if terms.view is None else sorted(terms.view)
    body["ids"] = dict(sorted(terms.ids.items()))
    return body


_KEYS = (
    *("partner", "message", "contract", "direction", "recipient", "versions", "purposes", "view"),
    *("expects", "golden", *_DATES, "alternative", "owner", "approvals"),
)


def _read(file: Path, ids: Mapping[str, Mapping[str, RegistryId]]) -> ContractFile:
    """Read one file; whatever is wrong in it is said with its name."""
    where = f"{file.parent.name}/{file.name}"
    try:
        return _file(file, _document(file), ids.get(where, {}))
    except (OSError, UnicodeDecodeError, yaml.YAMLError, ValueError, KeyError, TypeError) as fault:
        said = f"has no {fault}" if isinstance(fault, KeyError) else str(fault)
        message = f"contracts/{where}: {said}"
        raise NotConfigured(
            message, fix="mend the named field; docs/reference/contracts.md shows each"
        ) from fault


def _document(file: Path) -> Mapping[str, Any]:
    """Return what a file holds; ValueError where that is no contract, or not the one its name says."""
    named = _FILE_NAME.fullmatch(file.name)
    if named is None:
        raise ValueError("a file is named like referral.v1.yaml")
    document = read_yaml(file)
    if not isinstance(document, dict):
        raise ValueError("is not a mapping of the contract's fields")  # noqa: TRY004 - the file's fault
    for key in document:
        if key not in _KEYS:
            raise ValueError(f"{key}: not a field of a contract{nearest(key, _KEYS)}")
    if (document.get("message"), document.get("contract")) != (named[1], int(named[2])):
        raise ValueError("message and contract must be those of the file's name")
    if document.get("partner") != file.parent.name:
        raise ValueError("partner must be the name of the file's folder")
    return document


def _file(file: Path, document: Mapping[str, Any], ids: Mapping[str, RegistryId]) -> ContractFile:
    versions, recipient = (_mapping(name, document[name]) for name in ("versions", "recipient"))
    roles = _items("recipient.roles", recipient["roles"])
    if not roles:
        raise ValueError("recipient.roles: must name one at least")
    terms = contract_from(
        {
            "partner": document["partner"],
            "message": document["message"],
            "number": document["contract"],
            "direction": document["direction"],
            "oldest": versions["oldest"],
            "newest": versions["newest"],
            "purposes": document["purposes"],
            "view": document.get("view"),
            **{name: _instant(name, document.get(name)) for name in _DATES},
            "alternative": document.get("alternative"),
            "ids": {version: each.id for version, each in ids.items()},
        }
    )
    return ContractFile(
        path=file,
        terms=terms,
        recipient=Recipient(
            kind=word(Kind, "recipient.kind", recipient["kind"]),
            rung=_rung(recipient["rung"]),
            legal_status=word(LegalStatus, "recipient.legal_status", recipient["legal_status"]),
            roles=tuple(word(Role, "recipient.roles", role) for role in roles),
        ),
        expects=tuple(
            _expectation(_mapping("expects", each)) for each in _items("expects", document.get("expects"))
        ),
        golden=tuple(
            file.parent / _text("golden", name) for name in _items("golden", document.get("golden"))
        ),
        registered=ids,
        owner=_text("owner", document["owner"]),
        approvals=tuple(
            _approval(_mapping("approvals", each)) for each in _items("approvals", document.get("approvals"))
        ),
    )


def _expectation(entry: Mapping[str, Any]) -> Expectation:
    return Expectation(
        field=_text("expects.field", entry["field"]),
        values=tuple(_text("expects.values", each) for each in _items("expects.values", entry.get("values"))),
        because=_text("expects.because", entry["because"]),
    )


def _approval(entry: Mapping[str, Any]) -> Approval:
    given = entry["date"]
    if not isinstance(given, date_):
        raise ValueError("approvals.date: must be a date such as 2026-11-26")  # noqa: TRY004 - the file's fault
    return Approval(
        by=_text("approvals.by", entry["by"]), role=_text("approvals.role", entry["role"]), date=given
    )


def _mapping(name: str, value: object) -> Mapping[str, Any]:
    if isinstance(value, dict):
        return value
    raise ValueError(f"{name}: must be fields with their values")


def _items(name: str, value: object) -> list[Any]:
    if value is None or isinstance(value, list):
        return value or []
    raise ValueError(f"{name}: must be a list")


def _rung(value: object) -> int:
    if isinstance(value, int) and not isinstance(value, bool) and value in RUNGS:
        return value
    raise ValueError(f"recipient.rung: must be one of {', '.join(map(str, RUNGS))}")


def _text(name: str, value: object) -> str:
    if isinstance(value, str) and value.strip():
        return value
    raise ValueError(f"{name}: must be a text that is not empty")


def _instant(name: str, value: object) -> int | None:
    """Read a date, which begins at midnight UTC, or an instant with its offset, as milliseconds."""
    if value is None:
        return None
    if isinstance(value, datetime):
        if value.tzinfo is None:
            raise ValueError(f"{name}: an instant needs its offset from UTC, e.g. 2026-11-26T12:00:00Z")
        return int(value.timestamp() * 1000)
    if isinstance(value, date_):
        return int(datetime(value.year, value.month, value.day, tzinfo=UTC).timestamp() * 1000)
    try:
        return instant_from_text(str(value))
    except ValueError as fault:
        raise ValueError(f"{name}: must be a date such as 2026-11-26, or an instant") from fault


def _registry_ids(file: Path) -> Mapping[str, Mapping[str, RegistryId]]:
    """Read the ids an outside registry gave, by file and schema version; none where there is no such file."""
    if not file.exists():
        return {}
    try:
        document = read_yaml(file)
        return {
            str(where): {
                str(version): RegistryId(id=int(each["id"]), digest=str(each["digest"]))
                for version, each in ids.items()
            }
            for where, ids in document["ids"].items()
        }
    except (OSError, yaml.YAMLError, KeyError, TypeError, AttributeError, ValueError) as fault:
        message = f"contracts/{REGISTRY_IDS} is not a list of ids by contract and version"
        raise NotConfigured(message, fix="have `hub contracts register --adopt` write it anew") from fault
