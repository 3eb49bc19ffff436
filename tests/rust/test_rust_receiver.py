"""What the hub signs, verified in Rust by the Standard Webhooks library."""

from __future__ import annotations

import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest

from hub.errors import NotConfigured, Unreachable
from hub.installation import home
from tests.webhooks.exchange import disagreements, shown, signed_now, vectors_again

# A first run fetches the library and what it is built on.
pytestmark = [pytest.mark.timeout(400), pytest.mark.requirement("R-DEL-01")]
HERE = Path(__file__).parent
FILES = ("Cargo.toml", "src/main.rs")
CHECKSUMS = HERE / "crates.sha256"
BUILD_S = 300


@pytest.fixture(scope="module")
def receiver() -> str:
    """The program with what the page shows, as Cargo makes it of exactly our crates; kept between runs."""
    cargo = shutil.which("cargo")
    if cargo is None:
        message = "these tests need cargo, which this machine does not have"
        raise NotConfigured(message, fix="install Rust 1.78 or newer with Cargo")
    folder = home.hub_home() / "rust" / "receiver"
    with home.exclusive(folder.with_name("receiver.lock"), lambda: None, BUILD_S):
        for name in FILES:
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(HERE / name, folder / name)
        (folder / "src" / "received.rs").write_text(shown("rust"), encoding="utf-8")
        _cargo(cargo, "generate-lockfile", "--quiet", folder=folder)
        assert _locked(folder / "Cargo.lock") == set(CHECKSUMS.read_text(encoding="utf-8").splitlines())
        _cargo(cargo, "build", "--locked", "--quiet", folder=folder)
    return str(folder / "target" / "debug" / "hub-foreign-receiver")


def _cargo(cargo: str, *arguments: str, folder: Path) -> None:
    done = subprocess.run(
        [cargo, *arguments], cwd=folder, capture_output=True, text=True, timeout=BUILD_S, check=False
    )
    if done.returncode != 0:
        message = f"cargo could not {arguments[0]}: {done.stderr[-300:]}"
        raise Unreachable(message, fix="check the network and Cargo's own settings, then try again")


def _locked(file: Path) -> set[str]:
    """What Cargo would build of, as crates.sha256 has it."""
    crates = tomllib.loads(file.read_text(encoding="utf-8"))["package"]
    return {f"{each['checksum']}  {each['name']} {each['version']}" for each in crates if "checksum" in each}


def test_the_library_for_rust_signs_as_the_vectors_are_signed(receiver: str) -> None:
    assert disagreements(vectors_again(), [receiver]) == []


def test_what_the_page_shows_for_rust_takes_what_the_hub_signs_and_nothing_else(receiver: str) -> None:
    by_secret = [question for question in signed_now() if question.asked == "verify"]
    assert disagreements(by_secret, [receiver]) == []
