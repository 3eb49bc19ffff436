"""`hub contracts compat, lint, check, diff, stamp`: whether a change to a schema may be released."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hub.cli.contracts.options import Contracts, Json, Schemas, contract_folder, now, policy, schemas_folder
from hub.cli.contracts.shown import show
from hub.errors import NotConfigured, WrongArgument

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hub.topics.contract_files import ContractFolder
    from hub.topics.findings import Finding
    from hub.topics.history import Tree


def compat(
    old: Annotated[Path, typer.Argument(help="The version before: an Avro schema (.avsc).", metavar="OLD")],
    new: Annotated[Path, typer.Argument(help="The version to be released.", metavar="NEW")],
    mode: Annotated[
        str, typer.Option(help="NONE, BACKWARD, FORWARD, FULL, or one of these with _TRANSITIVE.")
    ] = "FULL_TRANSITIVE",
    older: Annotated[
        list[Path] | None,
        typer.Option("--older", help="A version before OLD; several, the oldest first."),
    ] = None,
    *,
    gates: Annotated[
        bool,
        typer.Option(
            "--gates/--no-gates",
            help="Also ask whether a field becomes less protected or changes its meaning. "
            "Schemas without our properties, such as infoClass: --no-gates.",
        ),
    ] = True,
    as_json: Json = False,
) -> None:
    """Say whether NEW can be released after OLD: can each read the other, does nothing become looser.

    BACKWARD: NEW reads what OLD wrote. FORWARD: OLD reads what NEW writes. FULL: both. The _TRANSITIVE
    forms ask the same of every --older version. The verdict on reading is that of Avro Java's
    SchemaCompatibility. Leaves with 0 if NEW may be released, with 4 if not, or only when signed off.

        hub contracts compat v1.0.avsc v1.1.avsc --mode BACKWARD

        hub contracts compat v2.avsc v3.avsc --older v1.avsc --no-gates --json
    """
    from hub.topics.avro.modes import Mode, compare
    from hub.topics.schema_files import read_parsed

    wanted = _mode(mode)
    earlier = [(str(path), read_parsed(path)[1]) for path in (*(older or ()), old)]
    newest = read_parsed(new)[1]
    reading = compare(newest, earlier, Mode(wanted), label=str(new))
    findings = [*reading]
    if gates:
        from hub.topics.gates.classes import class_gates
        from hub.topics.gates.semantics import semantic_gates

        findings += class_gates(newest, earlier, policy=policy(), schema=str(new))
        findings += semantic_gates(newest, earlier, schema=str(new))
    said = {"mode": wanted, "compatible": not reading, "gates": gates}
    show(findings, as_json=as_json, well=f"{new} may be released after {old} ({wanted}).", more=said)


def lint(
    files: Annotated[
        list[Path] | None, typer.Argument(help="Avro schemas (.avsc); none: the whole of --schemas.")
    ] = None,
    schemas: Schemas = None,
    *,
    as_json: Json = False,
) -> None:
    """Check schemas against the hub's own rules: classes, bounds, names, defaults; each rule has an id.

    The rules stand in docs/reference/contract-rules.md. Leaves with 4 if one is broken.
    """
    from hub.topics.conformity import check_schemas, lint_text
    from hub.topics.schema_files import read_schema_text

    findings: Sequence[Finding]
    if files:
        findings = [found for file in files for found in lint_text(read_schema_text(file), str(file))]
    else:
        findings = check_schemas(schemas_folder(schemas))
    show(findings, as_json=as_json, well="Every rule is kept.")


def check(
    schemas: Schemas = None,
    against: Annotated[
        str | None,
        typer.Option(
            "--against", metavar="REF", help="A git revision, e.g. origin/main: what the change does to it."
        ),
    ] = None,
    contracts: Contracts = None,
    *,
    as_json: Json = False,
) -> None:
    """Check every schema, every version against those before it, and every partner's contract.

    With --against, also what a change does to what is there: whether something released or a contract in
    effect was edited, and whether any field, released or draft, becomes known to more people than before.
    Leaves with 4 if something stops a release.
    """
    from hub.topics.checks import check_all

    folder, agreed = schemas_folder(schemas), contract_folder(contracts)
    findings = list(check_all(folder, agreed, policy=policy()))
    if against is not None:
        findings += _changed(folder, agreed, against)
    well = f"{len(_tree(folder).versions)} schemas and {len(agreed.files)} contracts keep every rule."
    show(findings, as_json=as_json, well=well)


def _changed(folder: Path, agreed: ContractFolder, revision: str) -> tuple[Finding, ...]:
    """Return what a change does to the schemas and contracts that were there at a git revision."""
    from hub.cli.contracts.revision import folder_at, is_at
    from hub.topics.checks import check_contracts_against
    from hub.topics.contract_files import ContractFolder
    from hub.topics.history import check_against

    with folder_at(revision, folder) as base:
        found = check_against(_tree(folder), _tree(base), policy())
    if not is_at(revision, agreed.path):
        return found
    with folder_at(revision, agreed.path) as base:
        return (*found, *check_contracts_against(agreed, ContractFolder.load(base), at=now()))


def diff(
    name: Annotated[str, typer.Argument(help="Message, e.g. progress.")],
    old: Annotated[str, typer.Argument(help="Version before, e.g. 1.0.", metavar="OLD")],
    new: Annotated[str, typer.Argument(help="Version after, e.g. 1.1.", metavar="NEW")],
    schemas: Schemas = None,
    contracts: Contracts = None,
    *,
    as_json: Json = False,
) -> None:
    """Show what differs between two versions of a message, field by field, and which partners it reaches."""
    from hub.topics.differences import differences

    tree = _tree(schemas_folder(schemas))
    changes = differences(tree.find(name, old).type, tree.find(name, new).type)
    users = [each.label for each in contract_folder(contracts).files if each.terms.message == name]
    if as_json:
        rows = [
            {"path": each.path, "change": each.change, "old": each.old, "new": each.new} for each in changes
        ]
        print(
            json.dumps({"name": name, "old": old, "new": new, "changes": rows, "partners": users}, indent=2)
        )
        return
    for each in changes:
        print(f"  {each.change:<17} {each.path or '(the message)':<32} {each.said}")
    print(f"{len(changes)} difference(s) between {name} {old} and {new}.")
    print(f"Contracts on {name}: {', '.join(users) or 'none'}.")


def stamp(schemas: Schemas = None) -> None:
    """Write the digests of drafts into the manifest; released contracts are never touched."""
    from hub.topics.avro.canonical import digest
    from hub.topics.library import read_manifest
    from hub.topics.schema_files import read_schema

    folder = schemas_folder(schemas)
    manifest = folder / "manifest.yaml"
    entries = read_manifest(folder)
    text = manifest.read_text(encoding="utf-8")
    changed = []
    # From the last to the first, so that the places of those before stay what they are.
    for entry, (begin, end) in reversed([*zip(entries, _digests_in(text, manifest), strict=True)]):
        found = digest(read_schema(folder / str(entry["file"])))
        if entry["status"] == "draft" and found != entry["digest"]:
            text = f'{text[:begin]}"{found}"{text[end:]}'
            changed.append(f"{entry['name']} {entry['version']}")
    if changed:
        manifest.write_text(text, encoding="utf-8")
    print("stamped: " + (", ".join(reversed(changed)) or "nothing had changed"))


def _digests_in(text: str, manifest: Path) -> list[tuple[int, int]]:
    """Return where the digest of each entry of a manifest begins and ends in its text."""
    import yaml

    root = yaml.compose(text, Loader=yaml.SafeLoader)
    places = []
    for number, entry in enumerate(_under(root, "schemas").value):
        value = _under(entry, "digest")
        if value is None:
            message = f"{manifest}: schemas[{number}]: the digest does not stand in the entry itself"
            raise NotConfigured(message, fix='write digest: "" there, without anchors')
        places.append((value.start_mark.index, value.end_mark.index))
    return places


def _under(node: Any, name: str) -> Any:  # noqa: ANN401 - nodes of YAML, which have no types
    """Return what stands under a name in a mapping of YAML, or None."""
    return next((value for key, value in node.value if key.value == name), None)


def _tree(folder: Path) -> Tree:
    from hub.topics.history import Tree

    return Tree.read(folder)


def _mode(mode: str) -> str:
    from hub.topics.avro.modes import Mode

    wanted = mode.upper().replace("-", "_")
    if wanted not in {each.value for each in Mode}:
        message = f"{mode} is no compatibility mode"
        raise WrongArgument("--mode", message, fix=f"one of: {', '.join(each.value for each in Mode)}")
    return wanted
