"""Keys, idempotency keys, limits and what the reference shows."""

from __future__ import annotations

import json

import pytest

from hub.adapters.gateway.examples import example
from hub.adapters.gateway.idempotency import idempotency_key
from hub.adapters.gateway.identity import Party, admitted, key_hash, new_key
from hub.adapters.gateway.limits import GatewayLimits
from hub.adapters.gateway.problems import ProblemError
from hub.adapters.gateway.reference import openapi_document
from hub.adapters.gateway.routes import POSTED, route_of, router
from hub.messages.envelope import MessageName
from hub.messages.identifiers import OrganisationId
from hub.topics.bodies import check_submission
from hub.topics.library import SchemaLibrary

LIBRARY = SchemaLibrary.load()


def test_key_is_new_each_time_and_kept_as_its_hash() -> None:
    """A key has 256 random bits, and its hash does not hold it."""
    keys = {new_key() for _ in range(100)}
    assert len(keys) == 100
    assert all(key.startswith("hub_") and len(key) == 47 for key in keys)
    assert all(key.encode() not in key_hash(key) for key in keys)


def test_nobody_is_admitted_without_proof() -> None:
    """No party, or one whose record is not in force, is turned away."""
    with pytest.raises(ProblemError) as unproved:
        admitted(None)
    with pytest.raises(ProblemError) as pending:
        admitted(Party(organisation=OrganisationId("harbour-trust"), record=None))
    assert (unproved.value.code, pending.value.code) == ("unauthenticated", "organisation-pending")


@pytest.mark.parametrize(
    ("header", "key"), [("abc", "abc"), ('"abc"', "abc"), ("8e03978e-40d5-43dd", "8e03978e-40d5-43dd")]
)
def test_idempotency_key_may_be_bare_or_quoted(header: str, key: str) -> None:
    """Both spellings are one key."""
    assert idempotency_key(header, chars_max=128) == key


def test_limits_refuse_a_takeover_that_comes_too_early() -> None:
    """An attempt that may still be under way is never taken for dead."""
    with pytest.raises(ValueError, match="takeover_after_s"):
        GatewayLimits(append_timeout_s=30)


@pytest.mark.parametrize("message", POSTED)
@pytest.mark.requirement("R-MSG-12")
def test_every_example_keeps_to_its_contract(message: MessageName) -> None:
    """What the reference shows can be posted as it stands."""
    assert check_submission(LIBRARY, message, example(message)).contract.name == message


def test_hub_alone_reports_exceptions() -> None:
    """Every message has an address but the exception report, and progress keeps its name (R-MSG-11)."""
    assert set(MessageName) - set(POSTED) == {MessageName.EXCEPTION}
    assert [
        route_of(message) for message in (MessageName.PROGRESS, MessageName.CASE, MessageName.RISK_CHANGE)
    ] == [
        "/v1/progress",
        "/v1/cases",
        "/v1/risk-changes",
    ]


def test_reference_describes_every_address_and_body() -> None:
    """OpenAPI 3.1 with a body, an example and the problems for each post, and no dangling reference."""
    from fastapi import FastAPI

    app = FastAPI(title="x", version="1")
    app.include_router(router)
    document = openapi_document(app, LIBRARY)
    assert document["openapi"].startswith("3.1")
    text = json.dumps(document)
    for message in POSTED:
        operation = document["paths"][route_of(message)]["post"]
        content = operation["requestBody"]["content"]["application/json"]
        assert content["example"] == example(message)
        assert {"202", "400", "401", "409", "413", "415", "422", "503"} <= operation["responses"].keys()
    schemas = document["components"]["schemas"]
    assert "HTTPValidationError" not in text
    referred = {part.split('"')[0] for part in text.split("#/components/schemas/")[1:]}
    assert referred <= schemas.keys()


def test_every_reference_in_a_payload_stands_at_its_top_level() -> None:
    """References are turned back by name; one inside a list would be passed on as the sender's own."""
    for contract in LIBRARY.all():
        assert all("." not in path and "[" not in path for path, _ in contract.pairwise)
