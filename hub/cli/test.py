"""`hub test`: the tests, on one real Kafka and one real PostgreSQL started for the whole run."""

from __future__ import annotations

import os
import sys

import typer

from hub.errors import NotConfigured
from hub.installation.home import CHECKOUT

# Whatever follows is pytest's.
CONTEXT = {"allow_extra_args": True, "ignore_unknown_options": True}
# In the order in which they fail cheapest.
GROUPS = ("unit", "contract", "integration", "faults")


def command(context: typer.Context) -> None:
    """Run unit, contract, integration and fault tests; what follows goes to pytest."""
    tests = CHECKOUT / "tests"
    if not tests.is_dir():
        message = "the tests are not installed with the hub"
        raise NotConfigured(message, fix="run this in a checkout of the repository")
    present = [group for group in GROUPS if (tests / group).is_dir()]
    chosen = [] if _names_tests(context.args) else [str(tests / group) for group in present]
    if chosen:
        print(f"Test groups: {', '.join(present)}.", flush=True)
    os.chdir(CHECKOUT)
    # Pytest takes over the process: its summary is the last line and its exit code is ours.
    os.execv(sys.executable, [sys.executable, "-m", "pytest", *chosen, *context.args])  # noqa: S606 - no shell


def _names_tests(arguments: list[str]) -> bool:
    """Whether the arguments already say which tests to run."""
    return any(not each.startswith("-") and os.path.exists(each.split("::")[0]) for each in arguments)  # noqa: PTH110 - a path may carry ::
