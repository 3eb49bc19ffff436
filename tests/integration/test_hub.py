"""A hub as it is started, administered and stopped."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from pydantic import SecretStr

from hub.app import attached, running
from hub.app.roles import Role
from hub.errors import Drift, NotConfigured

if TYPE_CHECKING:
    from pathlib import Path

    from hub.settings import Settings


async def test_nobody_administers_a_hub_that_does_not_run(settings: Settings) -> None:
    """The sentence names the instance, the remedy how to start one."""
    with pytest.raises(NotConfigured, match=settings.instance) as refused:
        async with attached(settings):
            pass
    assert "hub serve" in refused.value.fix


@pytest.mark.requirement("R-AUD-04")
async def test_a_hub_with_other_keys_is_refused_a_database_it_could_not_read(
    settings: Settings, kafka: str, fresh_database: str, tmp_path: Path
) -> None:
    """Two homes have two key stores; the second is told before it writes anything."""
    given = {"kafka": kafka, "database": SecretStr(fresh_database)}
    first = settings.model_copy(update=given)
    other = settings.model_copy(update=given | {"home": tmp_path})
    async with running(first, roles=[Role.FEEDS]):
        pass
    with pytest.raises(Drift, match="other keys"):
        async with running(other, roles=[Role.FEEDS]):
            pass
