"""The keeper and its program: how each may end, and what is left then."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from pathlib import Path

import pytest

from hub.adapters.processes import Kept, Program, claim, joined, keep, kept, running_state
from hub.errors import AlreadyRunning, Unreachable


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


async def test_whoever_joins_waits_for_what_is_starting_and_not_for_nobody(tmp_path: Path) -> None:
    """Else roles started side by side would refuse each other, or meet where something listened last time."""
    assert await joined(tmp_path, wait_s=5) is None
    for port in (1, 2):
        with claim(tmp_path, "broker") as held:
            assert running_state(tmp_path) is None
            assert await joined(tmp_path, wait_s=0.2) is None
            with (
                pytest.raises(AlreadyRunning, match=f"{os.getpid()} is starting it"),
                claim(tmp_path, "broker"),
            ):
                pass
            waiting = asyncio.create_task(joined(tmp_path, wait_s=5))
            await asyncio.sleep(0.2)
            assert not waiting.done()
            held.announce(address=f"127.0.0.1:{port}", pid=os.getpid())
            found = await waiting
            assert found is not None
            assert (found.address, found) == (f"127.0.0.1:{port}", running_state(tmp_path))
        assert await joined(tmp_path, wait_s=5) is None


async def test_an_address_of_last_time_is_known_to_the_next_start_though_one_between_failed(
    tmp_path: Path,
) -> None:
    """Ports are used again, so that whoever knows them finds them."""
    with claim(tmp_path, "broker") as held:
        assert held.remembered() is None
        held.announce(address="127.0.0.1:1", pid=os.getpid(), detail={"port": 1})
    for _ in range(2):
        with claim(tmp_path, "broker") as held:
            before = held.remembered()
            assert before is not None
            assert before.detail == {"port": 1}
