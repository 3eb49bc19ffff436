"""The registries tests speak to: each release of Apicurio once a run, and the hub's own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import httpx
import pytest

from hub.adapters.registry import HttpRegistry, open_registry
from tests.integration.door import HARBOUR, open_door
from tests.registry.apicurio import RELEASES, java_for, running

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

    from hub.settings import Settings


@pytest.fixture(scope="session", params=RELEASES)
def apicurio(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a running Apicurio's Confluent API."""
    release = RELEASES[request.param]
    if java_for(release) is None:
        pytest.skip(f"Apicurio {release.version} needs Java {release.java_oldest} or newer")
    with running(release, tmp_path_factory.mktemp("apicurio")) as started:
        yield started.url


@pytest.fixture
async def outside(apicurio: str) -> AsyncIterator[HttpRegistry]:
    """A client of a registry outside the hub."""
    async with open_registry(apicurio) as registry:
        yield registry


@pytest.fixture
async def own(fresh_database: str, settings: Settings, tmp_path: Path) -> AsyncIterator[HttpRegistry]:
    """A client of the hub's own registry, as an organisation with Basic credentials."""
    async with open_door(dsn=fresh_database, settings=settings, folder=tmp_path) as door:
        key = await door.join(HARBOUR)
        transport = httpx.ASGITransport(app=door.app)
        async with httpx.AsyncClient(
            transport=transport,
            base_url="http://hub.example/registry",
            auth=(HARBOUR, key),
            headers={"Content-Type": "application/json"},
        ) as http:
            yield HttpRegistry(http)
