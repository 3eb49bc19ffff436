"""The embedded PostgreSQL: its account, its secrets, its data, and a given server instead."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING

import psycopg
import pytest

from hub.adapters.database import server
from hub.errors import NotConfigured, Unreachable
from hub.settings import load

if TYPE_CHECKING:
    from pathlib import Path

    from hub.settings import Settings


async def test_rows_survive_a_restart(settings: Settings) -> None:
    async with server.find_or_start(settings) as database:
        with psycopg.connect(database.dsn) as connection:
            connection.execute("create table kept as select 7 as value")
    async with server.find_or_start(settings) as database:
        with psycopg.connect(database.dsn) as connection:
            assert connection.execute("select value from kept").fetchone() == (7,)


async def test_it_is_postgresql_18_without_a_network_port(settings: Settings) -> None:
    async with server.find_or_start(settings, ephemeral=True) as database:
        with psycopg.connect(database.dsn) as connection:
            row = connection.execute(
                "select current_setting('server_version_num')::int / 10000,"
                " current_setting('listen_addresses')"
            ).fetchone()
        assert row == (18, "")


async def test_a_wrong_password_is_refused_and_the_right_one_is_not_shown(settings: Settings) -> None:
    async with server.find_or_start(settings, ephemeral=True) as database:
        password = database.dsn.split(":")[2].split("@")[0]
        assert password not in repr(database)
        with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
            psycopg.connect(database.dsn.replace(password, "wrong"))


async def test_what_it_writes_down_is_for_this_user_only(settings: Settings) -> None:
    async with server.find_or_start(settings):
        folder = settings.instance_folder / "database"
        modes = {name: (folder / name).stat().st_mode & 0o077 for name in ("password", "state.json")}
    assert modes == {"password": 0, "state.json": 0}


async def test_an_interrupted_initialisation_heals(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object) -> None:
        message = "the machine stopped here"
        raise OSError(message)

    with monkeypatch.context() as patch:
        patch.setattr(server, "_create_database", interrupted)
        with pytest.raises(OSError, match="stopped here"):
            async with server.find_or_start(settings):
                pass
    async with server.find_or_start(settings) as database:
        assert server._connects(database.dsn)


async def test_data_without_its_password_is_refused_not_thrown_away(settings: Settings) -> None:
    async with server.find_or_start(settings):
        pass
    password = settings.instance_folder / "database" / "password"
    secret = password.read_text(encoding="utf-8")
    password.unlink()
    with pytest.raises(NotConfigured, match="but not its password"):
        async with server.find_or_start(settings):
            pass
    password.write_text(secret, encoding="utf-8")
    async with server.find_or_start(settings) as database:
        assert server._connects(database.dsn)


async def test_removing_an_instances_folder_begins_again(settings: Settings) -> None:
    async with server.find_or_start(settings) as database:
        with psycopg.connect(database.dsn) as connection:
            connection.execute("create table old ()")
    shutil.rmtree(settings.instance_folder)
    async with server.find_or_start(settings) as database:
        with psycopg.connect(database.dsn) as connection:
            assert connection.execute("select to_regclass('old')").fetchone() == (None,)


async def test_a_given_database_is_used(database: str) -> None:
    async with server.find_or_start(load(database=database)) as found:
        assert (found.dsn, found.origin) == (database, "given")


async def test_a_given_database_that_does_not_answer_is_named_without_its_password(tmp_path: Path) -> None:
    given = f"postgresql://hub:secret-word@/hub?host={tmp_path}"
    with pytest.raises(Unreachable, match="no PostgreSQL answers") as failure:
        async with server.find_or_start(load(database=given)):
            pass
    assert "secret-word" not in str(failure.value) + failure.value.fix


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has to lend an account")
async def test_root_lends_it_an_account(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    async with server.find_or_start(settings, ephemeral=True) as database:
        assert database.account in {"postgres", "nobody"}
    monkeypatch.setattr(server, "_ACCOUNTS", ("no-such-account",))
    with pytest.raises(NotConfigured, match="refuses to run as root"):
        async with server.find_or_start(settings, ephemeral=True):
            pass
