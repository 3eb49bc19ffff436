"""Settings: which source wins, and that what is wrong is named."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from hub.errors import NotConfigured
from hub.settings import Settings, load

UNITS = r"_(bytes|records|ms|s|mb|days|partitions|page|port|level)(_max)?$"


@pytest.fixture(autouse=True)
def in_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No settings file of this machine is read."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("HUB_POLL_MS", raising=False)


def test_flags_outrank_environment_outranks_dotenv_outranks_file(monkeypatch: pytest.MonkeyPatch) -> None:
    assert load().poll_ms == 100
    Path("hub.toml").write_text("poll_ms = 1\n")
    assert load().poll_ms == 1
    Path(".env").write_text("HUB_POLL_MS=2\n")
    assert load().poll_ms == 2
    monkeypatch.setenv("HUB_POLL_MS", "3")
    assert load().poll_ms == 3
    assert load(poll_ms=4).poll_ms == 4
    assert load(poll_ms=None).poll_ms == 3


def test_a_wrong_value_and_an_unknown_name_are_both_told_without_the_value() -> None:
    Path("hub.toml").write_text('poll_msec = 1\nhttp_port = "secret-word"\n')
    with pytest.raises(NotConfigured, match="2 setting") as failure:
        load()
    assert "poll_msec" in str(failure.value)
    assert "http_port" in str(failure.value)
    assert "secret-word" not in str(failure.value)


def test_every_setting_is_described_and_every_number_has_its_unit_in_its_name() -> None:
    for name, field in Settings.model_fields.items():
        assert field.description, name
        if field.annotation in {int, float}:
            assert re.search(UNITS, name), name


def test_the_database_is_not_shown() -> None:
    assert "secret-word" not in repr(load(database="postgresql://hub:secret-word@db/hub"))
