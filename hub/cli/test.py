"""`hub test`: the tests, on one real Kafka and one real PostgreSQL started for the whole run."""

from __future__ import annotations

import os
import shutil
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from hub.errors import NotConfigured
from hub.installation.home import CHECKOUT

if TYPE_CHECKING:
    from collections.abc import Sequence

# Whatever follows is pytest's.
CONTEXT = {"allow_extra_args": True, "ignore_unknown_options": True}
# In the order in which they fail cheapest.
GROUPS = ("unit", "contract", "webhooks", "registry", "integration", "node", "go", "rust", "faults")
# Most tests wait: for a broker, a database, a hub that starts. Those that only compute run beside them.
# The tests of a file stay together: they share what took long to set up.
SIDE_BY_SIDE = ("-n", "3", "--dist", "loadfile")
# What a group needs besides what the hub itself does: Python, Java and Maven.
NEEDS = {"node": ("node", "npm"), "go": ("go",), "rust": ("cargo",)}
INSTALL = {
    "node": "Node 20 or newer with npm",
    "go": "Go 1.21 or newer",
    "rust": "Rust 1.78 or newer with Cargo",
}


def command(
    context: typer.Context,
    *,
    every_group: Annotated[
        bool, typer.Option("--every-group", help="Fail where a group would be left out.")
    ] = False,
) -> None:
    """Run every group of tests; what follows goes to pytest.

    All of them run in three processes side by side (`-n 0`: in one); tests that are named, in one. The groups
    node, go and rust need Node with npm, Go and Rust's Cargo; a group whose tools are missing is left out,
    and that is said.
    """
    tests = CHECKOUT / "tests"
    if not tests.is_dir():
        message = "the tests are not installed with the hub"
        raise NotConfigured(message, fix="run this in a checkout of the repository")
    chosen: list[str] = []
    if not _names_tests(context.args):
        groups = _runnable([group for group in GROUPS if (tests / group).is_dir()], every=every_group)
        chosen = [*SIDE_BY_SIDE, *(str(tests / group) for group in groups)]
        print(f"Test groups: {', '.join(groups)}.", flush=True)
    os.chdir(CHECKOUT)
    # Pytest takes over the process: its summary is the last line and its exit code is ours.
    os.execv(sys.executable, [sys.executable, "-m", "pytest", *chosen, *context.args])  # noqa: S606 - no shell


def _runnable(groups: Sequence[str], *, every: bool) -> list[str]:
    """Return the groups this machine can run, saying which it cannot.

    Raises:
        NotConfigured: Every group was asked for, and something for one of them is missing.
    """
    runnable = []
    for group in groups:
        missing = [program for program in NEEDS.get(group, ()) if shutil.which(program) is None]
        if not missing:
            runnable.append(group)
            continue
        what = f"the test group {group} needs {' and '.join(missing)}, which this machine does not have"
        if every:
            raise NotConfigured(what, fix=f"install {INSTALL[group]}, or leave out --every-group")
        print(f"Left out: {what}.", flush=True)
    return runnable


def _names_tests(arguments: list[str]) -> bool:
    """Whether the arguments already say which tests to run."""
    return any(not each.startswith("-") and os.path.exists(each.split("::")[0]) for each in arguments)  # noqa: PTH110 - a path may carry ::
