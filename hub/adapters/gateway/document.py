"""The gateway's description without a gateway: no database, no Kafka, nothing that could be called."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fastapi import FastAPI

import hub
from hub.adapters.gateway.cases import router as cases_router
from hub.adapters.gateway.endpoints import router as endpoints_router
from hub.adapters.gateway.events import router as events_router
from hub.adapters.gateway.mailbox_routes import router as mailbox_router
from hub.adapters.gateway.recovery import router as recovery_router
from hub.adapters.gateway.reference import openapi_document
from hub.adapters.gateway.registry import router as registry_router
from hub.adapters.gateway.routes import router
from hub.adapters.gateway.stream_routes import router as stream_router
from hub.adapters.gateway.subscriptions import router as subscriptions_router

if TYPE_CHECKING:
    from hub.topics.library import SchemaLibrary

TITLE = "Partner Integration Message Hub"


def openapi(library: SchemaLibrary) -> dict[str, Any]:
    """Return the OpenAPI 3.1 document that every gateway with these schemas answers at /openapi.json."""
    addresses = FastAPI(title=TITLE, version=hub.__version__)
    addresses.include_router(router)
    addresses.include_router(stream_router)
    addresses.include_router(mailbox_router)
    addresses.include_router(events_router)
    addresses.include_router(cases_router)
    addresses.include_router(endpoints_router)
    addresses.include_router(recovery_router)
    addresses.include_router(subscriptions_router)
    addresses.include_router(registry_router)
    return openapi_document(addresses, library)
