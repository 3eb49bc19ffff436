"""A hub as it is started, administered and stopped."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from pydantic import SecretStr

from hub.app import attached, running
from hub.app.roles import Role
from hub.errors import AlreadyRunning, Drift, NotConfigured

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


@pytest.mark.timeout(180)
async def test_roles_in_processes_of_their_own_share_what_the_first_has_started(settings: Settings) -> None:
    """One not asked to join is refused; rules are released by hand, for neither knows of the other."""
    async with running(settings, roles=[Role.PROJECTOR]) as first:
        with pytest.raises(AlreadyRunning) as refused:
            async with running(settings, roles=[Role.ROUTER]):
                pass
        assert "hub serve router" in refused.value.fix
        async with running(settings, roles=[Role.ROUTER], attach=True) as second:
            assert (second.bootstrap, second.dsn) == (first.bootstrap, first.dsn)
            assert any("hub policy release" in notice for notice in second.notices)
            released = await second.release_policy()
            assert await first.policy_in_force() == released
        async with running(settings, roles=[Role.ROUTER], attach=True) as third:
            assert not any("hub policy release" in notice for notice in third.notices)


@pytest.mark.timeout(180)
async def test_one_gateway_that_ends_leaves_the_address_of_another(settings: Settings) -> None:
    """And where the last has ended, none is known."""
    own = settings.model_copy(update={"http_port": 0})
    async with running(own, roles=[Role.GATEWAY]) as first:
        async with running(own, roles=[Role.GATEWAY], attach=True), attached(own) as known:
            assert known.http_url
        async with attached(own) as known:
            assert known.http_url == first.http_url
    assert [*own.instance_folder.glob("gateway*")] == []
