"""The schema library: every contract the hub speaks, by name and version or by its id on the wire.

Loaded from schemas/manifest.yaml. A released contract whose digest is not what the manifest says is
not loaded: nobody may edit what partners rely on (R-MSG-12).
"""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import fastavro
import yaml

from hub.consent.partner_contracts import version_key
from hub.errors import Drift, NotConfigured, NotReadable
from hub.topics import values
from hub.topics.avro.canonical import digest
from hub.topics.casts import Chain, Step, read_steps
from hub.topics.guard import Offsets, Walk, check_whole, compile_walk
from hub.topics.plain_yaml import read_yaml
from hub.topics.schema_files import read_record_schema
from hub.topics.shapes import Record, Scalar, field_specs, leaves, plain_avro, read_record

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from hub.consent.decision import FieldSpec
    from hub.messages.envelope import MessageName

SCHEMAS = Path(__file__).resolve().parents[2] / "schemas"
"""The contracts that come with the hub."""
BYTES_MAX = 8_388_608
"""No record of any contract is longer; what one contract allows is bounded further by its fields."""
MESSAGE = "message"
"""A kind of the manifest."""
DRAFT, RETIRED = "draft", "retired"
"""Two statuses of it."""
_UNKNOWN = "CONTRACT-UNKNOWN"
_NOT_AVRO = "NOT-AVRO"
_INVALID = "AVRO-INVALID"
_OVERSIZE = "OVERSIZE"
_ID_MAX = 2**31 - 1
_ENTRY: Mapping[str, tuple[str, str]] = {
    "name": (r"[a-z][a-z-]*", "write the name of a message, e.g. progress"),
    "version": (r"[0-9]{1,3}\.[0-9]{1,3}", 'write major and minor version in quotation marks, e.g. "1.0"'),
    "kind": (r"message|envelope|framing", "write message, envelope or framing"),
    "file": (r".+", "write the path of the schema's file within the folder"),
    "status": (r"draft|active|deprecated|retired", "write draft, active, deprecated or retired"),
    "digest": (r"[0-9a-f]{64}|", 'write "" for a draft; `hub contracts stamp` fills it in'),
}
"""What an entry of the manifest has besides its id: the form of each part, and what to write there."""
_MEND = "see `hub contracts lint` for every rule it breaks"
_HEADER = struct.Struct(">bI")
_MAGIC = 0
_ENCODING_FAULTS = (ValueError, TypeError, KeyError, IndexError, AttributeError, OverflowError, struct.error)
_DECODING_FAULTS = (*_ENCODING_FAULTS, EOFError, RecursionError, MemoryError)


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Contract:
    """One version of one schema."""

    id: int
    """Its id on the wire: after the magic byte of every framed record."""
    name: str
    version: str
    kind: str
    """message, envelope or framing."""
    status: str
    """draft, active once released, deprecated, or retired: then only what was written is still read."""
    digest: str
    """SHA-256 of its canonical JSON; covers classes and bounds, which Avro's own fingerprint drops."""
    schema: Mapping[str, object] = field(repr=False)
    shape: Record = field(repr=False)
    specs: tuple[FieldSpec, ...] = field(repr=False)
    """Every leaf field as disclosure sees it; empty for framing, which is sealed whole."""
    pairwise: tuple[tuple[str, str], ...] = field(repr=False)
    """Path and kind (case, message) of each field that holds a reference of the hub's own."""
    avro: dict[str, Any] = field(repr=False)
    """The schema with types alone, as fastavro parsed it."""
    walk: Walk = field(repr=False)


class SchemaLibrary:
    """All contracts; encodes and decodes by them."""

    def __init__(self, contracts: tuple[Contract, ...], steps: Mapping[str, Sequence[Step]]) -> None:
        """Index the contracts by id and by name and version, and join the versions of each message.

        Raises:
            NotConfigured: Two share an id, or a name and version; or a chain of versions has a gap.
        """
        self._by_id = {contract.id: contract for contract in contracts}
        self._by_name = {(contract.name, contract.version): contract for contract in contracts}
        if len(self._by_id) != len(contracts) or len(self._by_name) != len(contracts):
            message = "two schemas of the manifest share an id, or a name and version"
            raise NotConfigured(message)
        self._in_use = {name: self._used(name) for name, _ in self._by_name}
        self._chains = {
            name: Chain(
                name, {v: self._by_name[name, v].shape for v in self.every_version(name)}, steps.get(name, ())
            )
            for name in {contract.name for contract in contracts if contract.kind == MESSAGE}
        }

    @classmethod
    def load(cls, path: Path = SCHEMAS, *, candidate: tuple[str, str] | None = None) -> Self:
        """Read the manifest, every schema it names and the steps between their versions.

        `candidate` is name and version of one to be used as if it were released already, to try it.

        Raises:
            NotConfigured: A file is missing or not a schema the hub can use, or versions do not join.
            Drift: A released schema was edited.
        """
        contracts = tuple(_load(path, entry) for entry in read_manifest(path))
        made = cls(contracts, {each.name: read_steps(path, each.name) for each in contracts})
        if candidate is not None:
            name, version = candidate
            made._in_use[name] = tuple(sorted({*made.versions(name), version}, key=version_key))
        return made

    def all(self) -> tuple[Contract, ...]:
        """Return every contract, by id."""
        return tuple(self._by_id[number] for number in sorted(self._by_id))

    def contract(self, name: str, version: str) -> Contract:
        """Return a contract; NotReadable CONTRACT-UNKNOWN if there is none."""
        found = self._by_name.get((name, version))
        if found is None:
            known = ", ".join(self.versions(name)) or "none of that name"
            raise NotReadable(_UNKNOWN, "no such contract", fix=f"versions there are: {known}")
        return found

    def by_id(self, number: int) -> Contract:
        """Return the contract with that id on the wire; NotReadable CONTRACT-UNKNOWN if there is none."""
        found = self._by_id.get(number)
        if found is None:
            raise NotReadable(_UNKNOWN, "no contract has this schema id", fix="see hub contracts list")
        return found

    def _used(self, name: str) -> tuple[str, ...]:
        """Work out which versions are in use."""
        kept = [each for each in self.every_version(name) if self._by_name[name, each].status != RETIRED]
        released = [each for each in kept if self._by_name[name, each].status != DRAFT]
        return tuple(released or kept)

    def has_id(self, number: int) -> bool:
        """Tell whether an id on the wire is one of the manifest's."""
        return number in self._by_id

    def versions(self, name: str) -> tuple[str, ...]:
        """Return the versions of a contract that are in use, oldest first.

        Retired ones are not, nor drafts beside a released one: what may still be edited is no contract yet.
        """
        return self._in_use.get(name, ())

    def newest(self, name: str) -> str:
        """Return the version of a message that decisions speak of: the newest in use.

        Where none is in use any more, the newest there was: what was written is still read.
        """
        return (self.versions(name) or self.every_version(name))[-1]

    def current(self, name: str) -> Contract:
        """Return a message in the version that decisions speak of."""
        return self.contract(name, self.newest(name))

    def taken(self, name: str, version: str) -> Contract:
        """Return a contract that senders may use; NotReadable CONTRACT-UNKNOWN for one not in use."""
        if version not in self.versions(name):
            raise NotReadable(
                _UNKNOWN,
                "no such contract is in use",
                fix=f"versions in use: {', '.join(self.versions(name))}",
            )
        return self.contract(name, version)

    def chain(self, name: str) -> Chain:
        """Return the steps between the versions of a message."""
        return self._chains[name]

    def cast(
        self, name: str, payload: Mapping[str, object], *, source: str, target: str
    ) -> Mapping[str, object]:
        """Return a payload of one version of a message as another has it (hub.routing.outcome.Contracts)."""
        return payload if source == target else self._chains[name].cast(payload, source, target)

    def current_paths(self, message: MessageName, version: str, paths: frozenset[str]) -> frozenset[str]:
        """Return what fields of one version are called in the current one (hub.routing.outcome.Contracts)."""
        current = self.current(message).version
        return paths if version == current else self._chains[message].paths(paths, version, current)

    def fields(self, message: MessageName, contract: str) -> tuple[FieldSpec, ...]:
        """Return every leaf field of that contract, payload order (hub.routing.outcome.Contracts)."""
        return self.contract(message, contract).specs

    def every_version(self, name: str) -> tuple[str, ...]:
        """Return all versions of a contract, retired ones too: what was written in them is still read."""
        return tuple(sorted((each for known, each in self._by_name if known == name), key=version_key))

    def encode(self, contract: Contract, payload: Mapping[str, object]) -> bytes:
        """Return the payload in Avro; a name or type the contract lacks is refused, never dropped."""
        for each in contract.shape.fields:
            if isinstance(each.shape, Scalar) and each.shape.kind in {"int", "long"} and not each.nullable:
                _exactly_whole(payload.get(each.name), each.name)
        buffer = BytesIO()
        try:
            fastavro.schemaless_writer(buffer, contract.avro, payload, strict_allow_default=True)
        except _ENCODING_FAULTS as fault:
            # Its text may repeat a value, so neither it nor the chain of causes goes further.
            raise NotReadable(_INVALID, f"{type(fault).__name__} while writing {contract.name}") from None
        return buffer.getvalue()

    def check(self, contract: Contract, data: bytes, *, bytes_max: int = BYTES_MAX) -> Offsets:
        """Refuse bytes that are not exactly one record; return where its fields lie.

        Raises:
            NotReadable: OVERSIZE, or a code of hub.topics.guard.
        """
        if len(data) > bytes_max:
            raise NotReadable(_OVERSIZE, f"longer than {bytes_max} bytes", fix="send less in one message")
        return check_whole(contract.walk, data)

    def decode(self, contract: Contract, data: bytes, *, bytes_max: int = BYTES_MAX) -> dict[str, object]:
        """Read exactly one record; raises what `check` does."""
        self.check(contract, data, bytes_max=bytes_max)
        try:
            found = fastavro.schemaless_reader(BytesIO(data), contract.avro, None)
        except _DECODING_FAULTS as fault:
            raise NotReadable(_INVALID, f"{type(fault).__name__} while reading {contract.name}") from None
        if not isinstance(found, dict):
            raise NotReadable(_INVALID, f"not a record of {contract.name}")
        return found

    def to_json(self, contract: Contract, payload: Mapping[str, object]) -> dict[str, object]:
        """Return a payload as JSON shows it: dates and instants in ISO 8601."""
        try:
            return values.to_json(contract.shape, payload)
        except (ValueError, OverflowError):
            raise NotReadable(_INVALID, "a date or instant outside the years 1 to 9999") from None

    def from_json(self, contract: Contract, body: Mapping[str, object]) -> dict[str, object]:
        """Return a trusted JSON payload as Avro holds it; hub.topics.bodies checks those from outside."""
        try:
            return values.from_json(contract.shape, body)
        except ValueError:
            raise NotReadable(_INVALID, "a date or instant that is none") from None


def frame(number: int, body: bytes) -> bytes:
    """Put magic 0 and the schema id, four bytes, before a record, as any Confluent client reads it."""
    return _HEADER.pack(_MAGIC, number) + body


def unframe(data: bytes) -> tuple[int, bytes]:
    """Return schema id and body of a framed record; NotReadable NOT-AVRO if it has no frame."""
    if len(data) < _HEADER.size:
        raise NotReadable(_NOT_AVRO, "too short for a framed record", fix="send magic 0, schema id, record")
    magic, number = _HEADER.unpack_from(data)
    if magic != _MAGIC:
        raise NotReadable(_NOT_AVRO, "the first byte is not magic 0", fix="send magic 0, schema id, record")
    return number, data[_HEADER.size :]


def read_manifest(path: Path) -> tuple[Mapping[str, object], ...]:
    """Return the manifest's entries; each has id, name, version, kind, file, status and digest.

    Raises:
        NotConfigured: It is missing, no list of schemas, or an entry lacks one of these or has it wrong.
    """
    file = path / "manifest.yaml"
    try:
        entries = read_yaml(file)["schemas"]
    except (OSError, ValueError, yaml.YAMLError, KeyError, TypeError, RecursionError) as fault:
        message = f"{file} is missing or not a manifest"
        raise NotConfigured(message, fix="write a list of schema versions under `schemas`") from fault
    if not isinstance(entries, list):
        message = f"{file}: schemas is not a list"
        raise NotConfigured(message, fix="write a list of schema versions under `schemas`")
    for number, entry in enumerate(entries):
        wrong = _wrong_in(entry)
        if wrong is not None:
            name, fix = wrong
            message = f"{file}: schemas[{number}]: {name} is missing or not usable"
            raise NotConfigured(message, fix=fix)
    return tuple(entries)


def _wrong_in(entry: object) -> tuple[str, str] | None:
    """Return which part of a manifest's entry is wrong, and what to write; None if all are right."""
    if not isinstance(entry, dict):
        return "the entry", f"write a mapping with {', '.join(_ENTRY)}"
    number = entry.get("id")
    if not isinstance(number, int) or isinstance(number, bool) or not 0 < number <= _ID_MAX:
        return "id", f"write a whole number from 1 to {_ID_MAX}"
    for name, (pattern, fix) in _ENTRY.items():
        said = entry.get(name)
        if not isinstance(said, str) or not re.fullmatch(pattern, said):
            return name, fix
    return None


def _load(path: Path, entry: Mapping[str, object]) -> Contract:
    """Read one schema of the manifest."""
    name, version = str(entry["name"]), str(entry["version"])
    file = path / str(entry["file"])
    schema = read_record_schema(file)
    found = digest(schema)
    if entry["status"] != "draft" and found != entry["digest"]:
        message = f"schema {name} {version} is released, but its file was edited"
        raise Drift(message, fix="restore the file")
    try:
        return contract_of(
            schema,
            id=int(str(entry["id"])),
            name=name,
            version=version,
            kind=str(entry["kind"]),
            status=str(entry["status"]),
        )
    except NotConfigured as refused:
        message = f"{file}: {refused}"
        raise NotConfigured(message, fix=refused.fix or _MEND) from refused


def contract_of(
    schema: Mapping[str, object],
    *,
    id: int,  # noqa: A002 - what everybody calls it
    name: str,
    version: str,
    kind: str,
    status: str,
) -> Contract:
    """Return a contract with all that follows from its schema; NotConfigured if the hub cannot use it."""
    shape = read_record(schema)
    parsed: Any = fastavro.parse_schema(plain_avro(shape))
    return Contract(
        id=id,
        name=name,
        version=version,
        kind=kind,
        status=status,
        digest=digest(schema),
        schema=schema,
        shape=shape,
        specs=() if kind == "framing" else field_specs(shape),
        pairwise=tuple(
            (path_, kind_) for path_, each, _ in leaves(shape) if (kind_ := each.text("pairwise")) is not None
        ),
        avro=parsed,
        walk=compile_walk(shape),
    )


def _exactly_whole(value: object, name: str) -> None:
    """Refuse what the writer would round or take for a number."""
    if type(value) is not int:
        raise NotReadable(_INVALID, f"{name} must be a whole number")
