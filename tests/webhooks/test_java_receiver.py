"""What the hub signs, verified in Java by the Standard Webhooks library and by Java's own Ed25519."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from hub.installation import tools
from tests.maven import jars
from tests.webhooks.exchange import HERE, disagreements, shown, signed_now, vectors_again

# Maven may have to fetch the library first.
pytestmark = [pytest.mark.timeout(300), pytest.mark.requirement("R-DEL-01")]
COMPILER = "jdk.compiler/com.sun.tools.javac.Main"
COMPILE_S = 60


@pytest.fixture(scope="module")
def receiver(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """The command that runs the program with what the page shows."""
    folder = tmp_path_factory.mktemp("java")
    library = next(iter(jars("webhooks", HERE / "java").iterdir()))
    shutil.copyfile(HERE / "java" / "Answers.java", folder / "Answers.java")
    (folder / "Received.java").write_text(shown("java"), encoding="utf-8")
    compiled = subprocess.run(
        [
            *(tools.java(), "-m", COMPILER, "-encoding", "UTF-8", "-cp", str(library), "-d", str(folder)),
            *(str(folder / name) for name in ("Answers.java", "Received.java")),
        ],
        capture_output=True,
        text=True,
        timeout=COMPILE_S,
        check=False,
    )
    assert compiled.returncode == 0, f"a Java development kit is needed: {compiled.stderr[-2000:]}"
    return [tools.java(), "-XX:TieredStopAtLevel=1", "-cp", f"{folder}:{library}", "Answers"]


def test_the_library_for_java_signs_as_the_vectors_are_signed(receiver: list[str]) -> None:
    assert disagreements(vectors_again(), receiver) == []


def test_what_the_page_shows_for_java_takes_what_the_hub_signs_and_nothing_else(
    receiver: list[str], tmp_path: Path
) -> None:
    assert disagreements(signed_now(), receiver, cwd=tmp_path) == []
