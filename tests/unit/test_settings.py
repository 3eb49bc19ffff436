"""Settings: which source wins, and that what is wrong is named."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from hub.errors import NotConfigured
from hub.settings import Settings, load

UNITS = r"_(bytes|records|ms|s|mb|day|days|hours|in_flight|partitions|page|port|level)(_max)?$"


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
    assert "poll_msec: not a setting; did you mean poll_ms?" in str(failure.value)
    assert "http_port" in str(failure.value)
    assert "secret-word" not in str(failure.value)


def test_names_of_other_programs_in_the_environment_and_dotenv_are_left_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Docker compose reads the same `.env`; only what is a setting is ours."""
    Path(".env").write_text("HUB_DATABASE_PASSWORD=a\nHUB_PORT=b\nPARTNER_HUB_HTTP_PORT=c\nPOLL_MS=5\n")
    monkeypatch.setenv("HUB_POLL_MSEC", "6")
    assert load() == Settings()
    assert load().poll_ms == 100


@pytest.mark.parametrize(
    ("name", "told"),
    [("HUB_POLL_MS", "did you mean poll_ms?"), ("kafka_", "did you mean kafka?"), ("zebra", "leave it out")],
)
def test_a_name_in_our_own_file_that_is_no_setting_is_refused(name: str, told: str) -> None:
    Path("hub.toml").write_text(f'{name} = "secret-word"\n')
    with pytest.raises(NotConfigured, match=re.escape(f"{name}: not a setting; {told}")) as failure:
        load()
    assert "secret-word" not in str(failure.value)


@pytest.mark.parametrize(
    ("file", "content"), [("hub.toml", b"secret-word"), ("hub.toml", b"\xff"), (".env", b"HUB_HOME=\xff")]
)
def test_a_file_that_cannot_be_read_is_told_without_what_it_holds(file: str, content: bytes) -> None:
    Path(file).write_bytes(content)
    with pytest.raises(NotConfigured, match=r"hub\.toml or \.env cannot be read") as failure:
        load()
    assert "secret-word" not in str(failure.value)


def test_every_setting_is_described_and_every_number_has_its_unit_in_its_name() -> None:
    for name, field in Settings.model_fields.items():
        assert field.description, name
        if field.annotation in {int, float}:
            assert re.search(UNITS, name), name


def test_the_database_is_not_shown() -> None:
    assert "secret-word" not in repr(load(database="postgresql://hub:secret-word@db/hub"))
