"""What is generated into contracts/ and committed there: view schemas, AsyncAPI and OpenAPI documents.

A change of a contract, a schema or an address shows in these files, so whoever reviews the change sees
what partners will see.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING

from hub.adapters.gateway.document import openapi
from hub.adapters.gateway.examples import example
from hub.consent.partner_contracts import Direction
from hub.errors import NotConfigured
from hub.messages.envelope import MessageName
from hub.messages.identifiers import OrganisationId
from hub.topics.asyncapi import document
from hub.topics.asyncapi_messages import Examples, name_of
from hub.topics.contract_files import ASYNCAPI, is_document
from hub.topics.yaml_text import to_yaml

if TYPE_CHECKING:
    from pathlib import Path

    from hub.topics.contract_files import ContractFolder
    from hub.topics.library import SchemaLibrary

OPENAPI = "openapi.yaml"
FIX = "hub contracts views --write"
_VIEWS = "views"


def files(folder: ContractFolder, library: SchemaLibrary) -> Mapping[str, str]:
    """Return the text of every generated file by its path under the folder, in the order of the paths.

    Raises:
        NotConfigured: A contract's view does not fit its schemas.
        Drift: It is not the view that an outside registry gave its id to.
    """
    examples: Examples = {name: example(name) for name in MessageName}
    found = {OPENAPI: to_yaml(openapi(library))}
    for partner in folder.partners():
        agreed = folder.of(partner)
        described = document(OrganisationId(partner), agreed, library, examples)
        found[f"{ASYNCAPI}/{partner}.yaml"] = to_yaml(described)
        for file in agreed:
            if file.terms.direction is Direction.RECEIVES:
                for view in file.views(library):
                    name = f"{partner}/{_VIEWS}/{name_of(file.terms, view.version)}.avsc"
                    found[name] = json.dumps(view.schema, indent=2, ensure_ascii=False) + "\n"
    return dict(sorted(found.items()))


def differences(folder: ContractFolder, generated: Mapping[str, str]) -> tuple[str, ...]:
    """Return one line for each file that is missing, is not as generated, or is generated no longer."""
    lines = []
    for name, text in generated.items():
        file = folder.path / name
        if not file.is_file():
            lines.append(f"{name} is missing; make it: {FIX}")
        elif file.read_bytes() != text.encode():
            lines.append(f"{name} is not what follows from the contracts; make it anew: {FIX}")
    superfluous = (each for each in _generated_before(folder.path) if each not in generated)
    return (*lines, *(f"{name} follows from no contract; remove it: {FIX}" for name in superfluous))


def write(folder: ContractFolder, generated: Mapping[str, str]) -> tuple[str, ...]:
    """Write what differs, remove what is generated no longer; return the paths of both.

    Only `*/views/*.avsc` and `asyncapi/<partner>.yaml` are ever removed.

    Raises:
        NotConfigured: The folder cannot be written.
    """
    changed = []
    try:
        for name, text in generated.items():
            file = folder.path / name
            if not file.is_file() or file.read_bytes() != text.encode():
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_bytes(text.encode())
                changed.append(name)
        for name in _generated_before(folder.path):
            if name not in generated:
                (folder.path / name).unlink()
                changed.append(name)
    except OSError as fault:
        message = f"{folder.path.name}: a generated file cannot be written ({type(fault).__name__})"
        raise NotConfigured(message, fix="make the folder writable") from fault
    return tuple(changed)


def _generated_before(folder: Path) -> list[str]:
    """Return the paths of what looks generated and may be removed: never a contract or a golden record."""
    views = folder.glob(f"*/{_VIEWS}/*.avsc")
    documents = filter(is_document, folder.glob(f"{ASYNCAPI}/*.yaml"))
    return sorted(each.relative_to(folder).as_posix() for each in (*views, *documents))
