"""What the hub signs, verified in Node by the Standard Webhooks library and by Node's own Ed25519."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.node.packages import HERE, installed, program
from tests.webhooks.exchange import HERE as VECTORS_HERE
from tests.webhooks.exchange import Question, disagreements, misaddressed, shown, signed_now, vectors_again

# A first run fetches the Node packages.
pytestmark = [pytest.mark.timeout(300), pytest.mark.requirement("R-DEL-01")]


@pytest.mark.parametrize(
    "asked",
    [vectors_again, signed_now, misaddressed],
    ids=["vectors", "signed-now", "misaddressed"],
)
def test_what_the_page_shows_for_node_takes_what_the_hub_signs_and_nothing_else(
    tmp_path: Path, asked: Callable[[], list[Question]]
) -> None:
    questions = asked()  # Now: what was signed when the tests were collected may be too old by then.
    (tmp_path / "node_modules").symlink_to(installed() / "node_modules")
    (tmp_path / "by_secret.mjs").write_text(shown("javascript", 0), encoding="utf-8")
    (tmp_path / "by_key.mjs").write_text(shown("javascript", 1), encoding="utf-8")
    script = shutil.copy(HERE / "verify_webhooks.mjs", tmp_path)
    assert disagreements(questions, [program("node"), str(script)], cwd=tmp_path) == []


def test_the_vectors_are_what_node_computes() -> None:
    made = subprocess.run(
        [program("node"), str(HERE / "webhook_vectors.mjs")], capture_output=True, check=True, timeout=60
    )
    assert made.stdout == (VECTORS_HERE / "vectors.json").read_bytes()
