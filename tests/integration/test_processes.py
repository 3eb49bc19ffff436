"""The keeper and its program: how each may end, and what is left then."""

from __future__ import annotations

import signal
import sys
from pathlib import Path

import pytest

from hub.adapters.processes import Kept, Program, keep, kept
from hub.errors import Unreachable


def _program(
    folder: Path, script: str, *, grace_s: float = 5, clean: tuple[Path, Path] | None = None
) -> Program:
    return Program(
        name="sample",
        command=(sys.executable, "-c", script),
        folder=folder,
        log=folder / "sample.log",
        grace_s=grace_s,
        keep_if_clean=clean,
    )


def _until_logged(running: Kept, text: str) -> None:
    while text not in running.program.log.read_text(encoding="utf-8"):
        running.check()


def test_a_program_that_ignores_the_request_is_made_to_stop(tmp_path: Path) -> None:
    script = "import signal, time; signal.signal(15, signal.SIG_IGN); print('up', flush=True); time.sleep(60)"
    running = keep(_program(tmp_path, script, grace_s=0.2))
    _until_logged(running, "up")
    assert running.stop_now() < 5
    assert not Path(f"/proc/{running.pid}").exists()


def test_a_program_that_fails_is_told_from_the_end_of_its_log(tmp_path: Path) -> None:
    running = keep(_program(tmp_path, "import sys; print('no such topic'); sys.exit(7)"))
    with pytest.raises(
        Unreachable, match=r"sample ended by itself \(exit code 7\): no such topic"
    ) as failure:
        _until_logged(running, "never written")
    running.stop_now()
    assert str(tmp_path / "sample.log") in failure.value.fix


def test_a_program_that_does_not_exist_is_named(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    program = Program(name="sample", command=("/nowhere/sample",), folder=tmp_path, log=tmp_path / "log")
    with pytest.raises(Unreachable, match="could not be started: /nowhere/sample"):
        keep(program)
    assert "/nowhere/sample" in capfd.readouterr().err


@pytest.mark.parametrize(("ending", "kept_file"), [(signal.SIGTERM, True), (signal.SIGKILL, False)])
def test_a_file_gets_its_final_name_only_after_a_clean_end(
    tmp_path: Path, ending: signal.Signals, *, kept_file: bool
) -> None:
    clean = (tmp_path / "writing", tmp_path / "final")
    script = f"import time; open({str(clean[0])!r}, 'w').close(); print('up', flush=True); time.sleep(60)"
    program = _program(tmp_path, script, clean=clean)
    running = keep(program)
    _until_logged(running, "up")
    if ending is signal.SIGKILL:
        import os

        os.kill(running.pid, ending)
    running.stop_now()
    assert clean[1].exists() is kept_file


def test_a_large_log_is_set_aside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept, "_LOG_BYTES_MAX", 3)
    (tmp_path / "sample.log").write_text("old log")
    running = keep(_program(tmp_path, "import time; time.sleep(60)"))
    running.stop_now()
    assert (tmp_path / "sample.log.old").read_text() == "old log"
