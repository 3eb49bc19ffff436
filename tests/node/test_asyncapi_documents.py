"""The AsyncAPI documents against the specification's own JSON Schema, as its authors publish it."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from typing import Any

import pytest
from jsonschema import Draft7Validator

from tests.contract.partner_documents import every_document
from tests.node.packages import installed

# A first run fetches the Node packages.
pytestmark = pytest.mark.timeout(600)
DOCUMENTS = every_document()


@pytest.fixture(scope="module")
def specification() -> Draft7Validator:
    """The JSON Schema of AsyncAPI 3.0.0."""
    file = installed() / "node_modules" / "@asyncapi" / "specs" / "schemas" / "3.0.0.json"
    return Draft7Validator(json.loads(file.read_text(encoding="utf-8")))


def faults(specification: Draft7Validator, document: dict[str, Any]) -> list[str]:
    """Where a document is none, and why."""
    return [f"{fault.json_path}: {fault.message[:200]}" for fault in specification.iter_errors(document)]


@pytest.mark.parametrize("partner", DOCUMENTS)
def test_every_partners_document_is_asyncapi(specification: Draft7Validator, partner: str) -> None:
    assert faults(specification, DOCUMENTS[partner]) == []


def _word_of_asyncapi_2(document: dict[str, Any]) -> None:
    document["operations"]["receiveDeliveries"]["action"] = "publish"


def _no_title(document: dict[str, Any]) -> None:
    del document["info"]["title"]


def _a_message_with_a_field_of_its_own(document: dict[str, Any]) -> None:
    next(iter(document["components"]["messages"].values()))["sunset"] = "2027-06-01"


def _partitions_in_words(document: dict[str, Any]) -> None:
    document["channels"]["deliveries"]["bindings"]["kafka"]["partitions"] = "six"


@pytest.mark.parametrize(
    "spoil", [_word_of_asyncapi_2, _no_title, _a_message_with_a_field_of_its_own, _partitions_in_words]
)
@pytest.mark.parametrize("partner", DOCUMENTS)
def test_a_spoilt_document_is_found(
    specification: Draft7Validator, partner: str, spoil: Callable[[dict[str, Any]], None]
) -> None:
    """So the check above can fail."""
    document = copy.deepcopy(DOCUMENTS[partner])
    spoil(document)
    assert faults(specification, document) != []
