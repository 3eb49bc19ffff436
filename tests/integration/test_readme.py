"""What the README tells people to type works as typed, on a hub that was just started."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hub.settings import Settings

ROOT = Path(__file__).resolve().parents[2]
READY_S, ARRIVED_S = 60, 20


def blocks(heading: str) -> list[str]:
    """The shell blocks under a heading of the README."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    section = text.split(f"\n## {heading}\n", 1)[1].split("\n## ", 1)[0]
    return re.findall(r"```sh\n(.*?)```", section, re.DOTALL)


def shell(script: str, environment: dict[str, str]) -> str:
    """What a shell prints for these lines; each must end well."""
    done = subprocess.run(
        ["/bin/bash", "-euo", "pipefail", "-c", script],
        env=environment,
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@contextmanager
def serving(environment: dict[str, str], log: Path) -> Iterator[str]:
    """`hub serve` as a person would start it; gives the address it prints."""
    with (
        log.open("w+") as output,
        subprocess.Popen(
            [sys.executable, "-m", "hub", "serve"],
            env=environment,
            cwd=ROOT,
            stdout=output,
            stderr=subprocess.STDOUT,
        ) as hub,
    ):
        try:
            deadline = time.monotonic() + READY_S
            while "Ready" not in log.read_text() and time.monotonic() < deadline:
                assert hub.poll() is None, log.read_text()
                time.sleep(0.1)
            found = re.search(r"^HTTP +(\S+)", log.read_text(), re.MULTILINE)
            assert found is not None, log.read_text()
            yield found[1]
        finally:
            hub.send_signal(signal.SIGTERM)
            hub.wait(timeout=30)
    assert hub.returncode == 0


@pytest.mark.requirement("R-DEL-01", "R-DEL-03", "R-DIS-06")
@pytest.mark.timeout(180)
@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_a_new_user_sends_and_receives_by_the_readme(settings: Settings, tmp_path: Path) -> None:
    """Two organisations, a case, a referral, and a mailbox without what its owner does not need."""
    serve_and_add, post, look = blocks("Use it")
    environment = {
        **os.environ,
        "HUB_ENVIRONMENT": "current",
        "HUB_INSTANCE": settings.instance,
        "PYTHONPATH": str(ROOT),
    }
    python = f"shopt -s expand_aliases; alias python3={sys.executable}\n"
    with serving(environment, tmp_path / "serve.log") as address:
        adding = "\n".join(line for line in serve_and_add.splitlines() if "hub serve" not in line)
        region, river = re.findall(r"^ +(hub_\S+)$", shell(python + adding, environment), re.MULTILINE)
        session = environment | {"HUB": address, "REGION": region, "RIVER": river}
        answers = shell(python + post, session)
        assert answers.count('"state":"accepted"') == len(("team change", "referral"))
        deadline = time.monotonic() + ARRIVED_S
        while not (waiting := json.loads(shell(look, session))["messages"]) and time.monotonic() < deadline:
            time.sleep(0.1)
        fetch = f'curl -sS "$HUB{waiting[0]["url"]}" -H "Authorization: Bearer $RIVER"'
        delivery = json.loads(shell(fetch, session))
        ledger = shell(python + "python3 -m hub ledger list; python3 -m hub quarantine list", environment)

    assert [one["type"] for one in waiting] == ["referral"]
    assert delivery["data"]["forename"] == "Testperson"
    assert delivery["data"].get("victim_conditions") is None
    assert "river-drug-service" in ledger
    assert "Nothing is set aside" in ledger
