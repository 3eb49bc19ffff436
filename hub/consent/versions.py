"""Versions of policies: three numbers, each release above the one before, so that people see which is newer.

What is in the log already keeps the version it has; these are checks of what somebody proposes or releases.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from hub.consent.release import APPROVALS_MIN, Release
from hub.errors import WrongArgument

_FLAG, _FIELD = "--version", "release.version"
_NUMBERS = re.compile(r"(?:0|[1-9]\d{0,5})(?:\.(?:0|[1-9]\d{0,5})){2}")


def check_version(version: str, before: Release | None) -> None:
    """Refuse a version to propose that is none, or not above the one approved last.

    Raises:
        WrongArgument: Saying which versions would do.
    """
    number = version_number(version)
    if number is None:
        raise WrongArgument(_FLAG, f"{version} is not a version", fix="give three numbers, e.g. 1.2.0")
    last = None if before is None or len(before.approvers) < APPROVALS_MIN else version_number(before.version)
    if before is not None and last is not None and number < last:
        message = f"{version} is below {before.version}, which was approved already"
        raise WrongArgument(_FLAG, message, fix=f"give a higher one, {_next(last)}")


def version_number(version: str) -> tuple[int, ...] | None:
    """Return the three numbers of a version, to be compared; None: it is another form of name."""
    return tuple(map(int, version.split("."))) if _NUMBERS.fullmatch(version) else None


def _next(last: tuple[int, ...]) -> str:
    """Say which versions come after one."""
    major, minor, patch = last
    return f"e.g. {major}.{minor}.{patch + 1} or {major}.{minor + 1}.0"


def check_above(version: str, digest: str, known: Mapping[str, str], in_force: str | None) -> None:
    """Refuse to release other rules under a version that is used, or not above the one in force.

    Rules that were in force before may be released again as they were: that is how one goes back.

    Args:
        version: The version to release.
        digest: Digest of its rules.
        known: Version by digest of every release the hub has seen.
        in_force: The version in force.

    Raises:
        WrongArgument: Saying which versions would do.
    """
    if known.get(digest) == version:
        return
    number, last = version_number(version), None if in_force is None else version_number(in_force)
    fix = "propose the rules under a higher version: `python3 -m hub policy propose --version …`"
    if number is None:
        raise WrongArgument(_FIELD, f"{version} is not a version of three numbers", fix=fix)
    if version in known.values():
        raise WrongArgument(_FIELD, f"{version} names other rules already", fix=fix)
    if last is not None and number <= last:
        message = f"{version} is not above {in_force}, which is in force"
        raise WrongArgument(_FIELD, message, fix=f"{fix}, {_next(last)}")
