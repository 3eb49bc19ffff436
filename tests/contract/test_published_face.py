"""What is generated into contracts/ is what follows from contracts, schemas and addresses."""

from __future__ import annotations

import hashlib
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator
from openapi_spec_validator import OpenAPIV31SpecValidator
from openapi_spec_validator import validate as validate_openapi
from openapi_spec_validator.validation.exceptions import OpenAPIValidationError

from hub.adapters.gateway.document import openapi
from hub.adapters.gateway.examples import example
from hub.adapters.gateway.problems import PROBLEMS
from hub.adapters.gateway.routes import POSTED, route_of
from hub.app import generated
from hub.consent.partner_contracts import Phase
from hub.errors import Drift, NotConfigured
from hub.messages.envelope import MessageName
from hub.topics import contract_files
from hub.topics.contract_files import ContractFolder
from hub.topics.delivery_headers import ALWAYS, SOMETIMES
from hub.topics.yaml_text import to_yaml
from tests.contract.partner_documents import LIBRARY, PARTNER, agree, every_document, with_newer_receipt

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "contracts.md"
VIEW = f"{PARTNER}/views/referral.v1-1.0.avsc"
DOCUMENT = f"asyncapi/{PARTNER}.yaml"
OPENAPI = openapi(LIBRARY)
ENDING = {"Deprecation", "Sunset", "Link"}


@pytest.fixture
def folder(tmp_path: Path) -> ContractFolder:
    """A folder with one contract to receive and one to send."""
    agree(tmp_path, "referral", view=["referral", "action", "note"])
    agree(tmp_path, "progress", direction="sends")
    return ContractFolder.load(tmp_path)


def written(folder: ContractFolder) -> dict[str, str]:
    """What is generated for a folder, written."""
    found = dict(generated.files(folder, LIBRARY))
    generated.write(folder, found)
    return found


def content(folder: ContractFolder) -> dict[str, bytes]:
    """Every file of a folder."""
    return {
        each.relative_to(folder.path).as_posix(): each.read_bytes()
        for each in folder.path.rglob("*")
        if each.is_file()
    }


@pytest.mark.requirement("R-MSG-12")
def test_what_is_committed_is_what_follows_from_the_contracts() -> None:
    """Nothing missing, nothing else, nothing too many."""
    folder = ContractFolder.load()
    assert generated.differences(folder, generated.files(folder, LIBRARY)) == ()


def test_views_are_generated_for_what_is_received_and_documents_for_every_partner(
    folder: ContractFolder,
) -> None:
    """The view's file is its schema; what is sent has none, for the whole schema is in schemas/."""
    found = generated.files(folder, LIBRARY)
    assert list(found) == [DOCUMENT, VIEW, "openapi.yaml"]
    schema = json.loads(found[VIEW])
    assert [each["name"] for each in schema["fields"]] == ["referral", "action", "note"]
    assert yaml.safe_load(found["openapi.yaml"]) == json.loads(json.dumps(OPENAPI))


def test_each_difference_is_one_line_with_its_remedy(folder: ContractFolder) -> None:
    """A file missing, one edited, two that follow from nothing any more."""
    found = written(folder)
    assert generated.differences(folder, found) == ()
    (folder.path / DOCUMENT).unlink()
    (folder.path / VIEW).write_text(found[VIEW] + " ", encoding="utf-8")
    (folder.path / PARTNER / "views" / "plan.v1-1.0.avsc").write_text("{}", encoding="utf-8")
    (folder.path / "asyncapi" / "gone-trust.yaml").write_text("", encoding="utf-8")
    lines = generated.differences(folder, found)
    assert [line.split()[0] for line in lines] == [
        DOCUMENT,
        VIEW,
        "asyncapi/gone-trust.yaml",
        f"{PARTNER}/views/plan.v1-1.0.avsc",
    ]
    assert all(line.endswith(": hub contracts views --write") for line in lines)
    assert generated.write(folder, found) == tuple(line.split()[0] for line in lines)
    assert generated.differences(folder, found) == ()
    assert generated.write(folder, found) == ()


def test_writing_removes_nothing_that_people_wrote(tmp_path: Path) -> None:
    """Contracts, golden records and notes stay, also those of a partner that is called asyncapi."""
    agree(tmp_path, "referral")
    (tmp_path / PARTNER).rename(tmp_path / "asyncapi")
    file = tmp_path / "asyncapi" / "referral.v1.yaml"
    file.write_text(file.read_text().replace(PARTNER, "asyncapi"), encoding="utf-8")
    (tmp_path / "asyncapi" / "views").mkdir()
    for name in ("asyncapi/views/notes.txt", "asyncapi/notes.md", "registry.yaml"):
        (tmp_path / name).write_text("ids: {}\n", encoding="utf-8")
    folder = ContractFolder.load(tmp_path)
    before = content(folder)
    found = written(folder)
    after = content(folder)
    assert {name: after[name] for name in before} == before
    assert after.keys() - before.keys() == found.keys()
    assert generated.differences(folder, found) == ()


def test_the_same_contracts_give_the_same_bytes_in_every_process() -> None:
    """No order of a set or of a folder shows."""
    program = (
        "import hashlib, json; from hub.app import generated; from hub.topics.library import SchemaLibrary;"
        "from hub.topics.contract_files import ContractFolder;"
        "found = generated.files(ContractFolder.load(), SchemaLibrary.load());"
        "print(hashlib.sha256(json.dumps(found).encode()).hexdigest())"
    )
    here = json.dumps(generated.files(ContractFolder.load(), LIBRARY))
    elsewhere = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "PYTHONHASHSEED": "1"},
        capture_output=True,
        check=True,
        text=True,
    ).stdout
    assert elsewhere.strip() == hashlib.sha256(here.encode()).hexdigest()


def test_a_view_that_is_not_what_a_registry_gave_its_id_to_is_not_published(tmp_path: Path) -> None:
    """Records would bear an id that means another schema."""
    agree(tmp_path, "referral")
    ids = {"ids": {f"{PARTNER}/referral.v1.yaml": {"1.0": {"id": 7_000_001, "digest": "0" * 64}}}}
    (tmp_path / "registry.yaml").write_text(yaml.safe_dump(ids), encoding="utf-8")
    with pytest.raises(Drift):
        generated.files(ContractFolder.load(tmp_path), LIBRARY)


def test_a_folder_that_cannot_be_written_is_said(folder: ContractFolder) -> None:
    """With the file's kind of fault and a remedy."""
    (folder.path / "asyncapi").write_text("in the way", encoding="utf-8")
    with pytest.raises(NotConfigured) as refused:
        written(folder)
    assert refused.value.fix


@pytest.mark.parametrize(
    "text", ["1.0", "1e5", "0o17", "null", "on", "2026-01-01", "", "^a", "- b", "a: b", "l\n m\n", "½", "12e"]
)
def test_yaml_gives_back_every_text(text: str) -> None:
    """Also one that looks like something else, to readers of YAML 1.1 and, for numbers, of 1.2."""
    shown = to_yaml({"text": text, "again": [text, {"b": 1, "a": None}]})
    assert yaml.safe_load(shown) == {"text": text, "again": [text, {"b": 1, "a": None}]}
    assert text not in {"1e5", "0o17"} or f"'{text}'" in shown
    assert "&" not in shown


@pytest.mark.requirement("R-DEL-03")
def test_openapi_is_openapi_3_1() -> None:
    """By the specification's own schema; a spoilt one is found."""
    assert OPENAPI["openapi"].startswith("3.1")
    validate_openapi(OPENAPI, cls=OpenAPIV31SpecValidator)
    spoilt: dict[str, Any] = json.loads(json.dumps(OPENAPI))
    spoilt["paths"]["/v1/cases"]["post"]["responses"]["202"].pop("description")
    with pytest.raises(OpenAPIValidationError):
        validate_openapi(spoilt, cls=OpenAPIV31SpecValidator)


def body_faults(document: dict[str, Any], message: MessageName, body: dict[str, object]) -> list[str]:
    """What the description of a post has against a body."""
    described = document["paths"][route_of(message)]["post"]["requestBody"]["content"]["application/json"]
    whole = {**described["schema"], "components": document["components"]}
    return [fault.message for fault in Draft202012Validator(whole).iter_errors(body)]


@pytest.mark.parametrize("message", POSTED)
def test_every_example_of_a_post_is_a_body_as_described(message: MessageName) -> None:
    """And one with a field more is none."""
    body = example(message)
    assert body_faults(OPENAPI, message, body) == []
    assert body_faults(OPENAPI, message, {**body, "data": {"gossip": 1}}) != []


def test_a_body_is_described_by_the_version_it_names(tmp_path: Path) -> None:
    """A body that fits two versions is of one; no version's name changes when another comes."""
    document = openapi(with_newer_receipt(tmp_path))
    validate_openapi(document, cls=OpenAPIV31SpecValidator)
    assert document["components"]["schemas"].keys() > OPENAPI["components"]["schemas"].keys()
    body = example(MessageName.RECEIPT)
    newer = {**body, "contract": "1.99"}
    assert body_faults(document, MessageName.RECEIPT, body) == []
    assert body_faults(document, MessageName.RECEIPT, newer) == []
    assert body_faults(document, MessageName.RECEIPT, {**newer, "contract": "1.98"}) != []
    said = {**example(MessageName.RECEIPT)["data"], "remark": "x"}  # type: ignore[dict-item]
    assert body_faults(document, MessageName.RECEIPT, {**newer, "data": said}) == []
    assert body_faults(document, MessageName.RECEIPT, {**body, "data": said}) != []


@pytest.mark.parametrize("message", POSTED)
@pytest.mark.requirement("R-MSG-12")
def test_openapi_says_how_a_post_is_told_of_its_contracts_end(message: MessageName) -> None:
    """Headers while it lasts, 410 with the same headers after it, and what it covers."""
    answers = OPENAPI["paths"][route_of(message)]["post"]["responses"]
    assert answers["202"]["headers"].keys() >= ENDING
    assert answers["410"]["headers"].keys() == ENDING
    named = {
        code
        for answer in answers.values()
        for kind in answer.get("content", {}).values()
        for code in kind.get("examples", {})
    }
    assert {"contract-ended", "version-not-agreed"} <= named


def test_openapi_shows_every_problem_by_a_reference_that_leads_somewhere() -> None:
    """One example each, told once."""
    shown = OPENAPI["components"]["examples"]
    assert shown.keys() == PROBLEMS.keys()
    assert all(each["value"]["code"] == code for code, each in shown.items())
    text = json.dumps(OPENAPI["paths"])
    referred = {part.split('"')[0] for part in text.split("#/components/examples/")[1:]}
    assert {"contract-ended", "unauthenticated"} <= referred <= shown.keys()


def test_openapi_says_what_a_mailbox_tells_of_contracts() -> None:
    """Notices with a listing, headers with a delivery, and the agreed contracts themselves."""
    paths = OPENAPI["paths"]
    page = paths["/v1/mailbox/messages"]["get"]["responses"]["200"]["content"]["application/json"]["schema"]
    assert "notices" in page["required"]
    assert "sunset" in page["properties"]["notices"]["items"]["required"]
    fetched = paths["/v1/mailbox/messages/{delivery}"]["get"]["responses"]["200"]
    assert fetched["headers"].keys() >= ENDING
    assert fetched["content"].keys() == {"application/json", "application/avro"}
    listed = paths["/v1/contracts"]["get"]["responses"]["200"]["content"]["application/json"]["schema"]
    assert {"phase", "sunset", "alternative", "parked"} <= set(
        listed["properties"]["contracts"]["items"]["required"]
    )


def test_the_page_on_contracts_names_every_field_header_and_extension() -> None:
    """Those a contract file may hold, those deliveries bear, those the documents have; and none besides."""
    page = PAGE.read_text(encoding="utf-8")
    named = set(re.findall(r"`([^`]+)`", page))
    extensions = {
        name
        for document in every_document().values()
        for message in document["components"]["messages"].values()
        for name in message
        if name.startswith("x-hub-")
    } | {f"x-hub-{name}" for name in ("deprecated", "sunset", "removal", "alternative")}
    headers = ALWAYS.keys() | SOMETIMES.keys()
    assert named >= set(contract_files._KEYS) | headers | extensions
    assert {name for name in named if re.fullmatch(r"x-hub-[a-z-]+", name)} == extensions
    assert {name for name in named if re.fullmatch(r"(ce_|hub-)[a-z-]+", name)} <= headers
    assert {each.value for each in Phase} <= named
