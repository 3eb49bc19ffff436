"""The rules a command is given by name: a folder, what is in force on the running hub, or a git revision."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hub.consent.compile import Policy

IN_FORCE = "in-force"
SIDE_HELP = "A folder of policy files, `in-force` (on the running hub), or a git revision such as HEAD~1."


def side(name: str) -> Policy:
    """Compile and prove the rules that a name stands for.

    Raises:
        NotConfigured: No hub runs, or the name is neither a folder nor a revision of this checkout.
        PolicyRefused: The rules do not hold by what is read and proved today.
    """
    from hub.topics.policy_files import folder_policy

    if name == IN_FORCE:
        return _in_force()
    with _folder(name) as folder:
        return folder_policy(folder)


@contextmanager
def _folder(name: str) -> Iterator[Path]:
    from hub.cli.contracts.revision import folder_at
    from hub.errors import NotConfigured
    from hub.topics.policy_files import POLICY

    folder = Path(name)
    if folder.is_dir():
        yield folder
        return
    if folder.exists():
        message = f"{name} is a file, not a folder of policy files"
        raise NotConfigured(message, fix="name the folder it stands in")
    with folder_at(name, POLICY) as then:
        yield then


def _in_force() -> Policy:
    import asyncio

    from hub.app import attached
    from hub.settings import load

    async def rules() -> Policy:
        async with attached(load()) as hub:
            return await hub.rules()

    return asyncio.run(rules())
