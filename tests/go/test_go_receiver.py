"""What the hub signs, verified in Go by the Standard Webhooks library and by Go's own Ed25519."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from hub.errors import NotConfigured, Unreachable
from tests.webhooks.exchange import disagreements, misaddressed, shown, signed_now, vectors_again

# A first run fetches the library.
pytestmark = [pytest.mark.timeout(300), pytest.mark.requirement("R-DEL-01")]
HERE = Path(__file__).parent
FILES = ("go.mod", "go.sum", "verify_webhooks.go")
BUILD_S = 240


@pytest.fixture(scope="module")
def receiver(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The program with what the page shows, as `go build` makes it from exactly the modules of go.sum."""
    go = shutil.which("go")
    if go is None:
        message = "these tests need go, which this machine does not have"
        raise NotConfigured(message, fix="install Go 1.21 or newer")
    folder = tmp_path_factory.mktemp("go")
    for name in FILES:
        shutil.copyfile(HERE / name, folder / name)
    (folder / "received.go").write_text(shown("go"), encoding="utf-8")
    built = subprocess.run(
        [go, "build", "-mod=readonly", "-o", "receiver", "."],
        cwd=folder,
        env={**os.environ, "GOTOOLCHAIN": "local"},
        capture_output=True,
        text=True,
        timeout=BUILD_S,
        check=False,
    )
    if built.returncode != 0:
        message = f"go could not build the receiver: {built.stderr[-300:]}"
        raise Unreachable(message, fix="check the network and Go's own settings, then try again")
    return str(folder / "receiver")


def test_the_library_for_go_signs_as_the_vectors_are_signed(receiver: str) -> None:
    assert disagreements(vectors_again(), [receiver]) == []


def test_what_the_page_shows_for_go_takes_what_the_hub_signs_and_nothing_else(receiver: str) -> None:
    assert disagreements([*signed_now(), *misaddressed()], [receiver]) == []
