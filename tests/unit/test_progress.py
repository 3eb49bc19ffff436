"""What a first start shows: lines rewritten in place on a terminal, plain lines elsewhere."""

from __future__ import annotations

import pytest

from hub.errors import NotConfigured, Unreachable
from hub.installation import first_start
from hub.installation.progress import Progress


def test_elsewhere_a_line_is_written_for_each_stage_only(capsys: pytest.CaptureFixture[str]) -> None:
    progress = Progress(["jars"])
    progress.at("jars", "fetching", "1 of 9")
    progress.at("jars", "fetching", "2 of 9")
    progress.at("jars", "done", done=True)
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[:2] for line in lines] == [["jars", "fetching"], ["jars", "done"]]
    assert "\x1b" not in "".join(lines)


def test_on_a_terminal_lines_are_rewritten_in_place_and_never_wrap(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", "30")
    progress = Progress(["jars", "packages"])
    progress.at("jars", "fetching", "a" * 200)
    progress.at("packages", "done", done=True)
    shown = capsys.readouterr().out
    assert shown.count("\x1b[2A") == 1
    assert max(len(line.replace("\x1b[2K", "").replace("\x1b[2A", "")) for line in shown.splitlines()) < 30


@pytest.mark.parametrize(
    ("error", "code"),
    [(NotConfigured("no Java", fix="install it"), 4), (Unreachable("no answer", fix="try again"), 5)],
)
def test_a_failed_first_start_ends_with_a_sentence_and_a_code(
    error: NotConfigured | Unreachable,
    code: int,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail(**_: object) -> None:
        raise error

    monkeypatch.setattr(first_start, "prepare", fail)
    with pytest.raises(SystemExit) as left:
        first_start.build(dev=False, jars=True)
    assert left.value.code == code
    told = capsys.readouterr().err
    assert str(error) in told
    assert f"To mend it: {error.fix}" in told


def test_a_stopped_first_start_says_that_it_can_go_on(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(**_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(first_start, "prepare", stop)
    with pytest.raises(SystemExit) as left:
        first_start.build(dev=False, jars=True)
    assert left.value.code == 130
    assert "type the command again to go on" in capsys.readouterr().err


def test_a_full_disk_is_told_with_the_folder(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(**_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setenv("HUB_HOME", "/srv/hub-home")
    monkeypatch.setattr(first_start, "prepare", fail)
    with pytest.raises(SystemExit):
        first_start.build(dev=False, jars=True)
    told = capsys.readouterr().err
    assert "No space left" in told
    assert "/srv/hub-home" in told
