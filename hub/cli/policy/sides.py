"""The rules a command is given by name: a folder, what is in force on the running hub, or a git revision."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hub.consent.compile import Policy

IN_FORCE = "in-force"
_FIX = (
    "name a folder with gates.yaml and one file per class, `in-force` for those of the running hub, or a "
    "branch, tag or commit of this checkout, e.g. HEAD~1"
)
SIDE_HELP = "A folder of policy files, `in-force` (on the running hub), or a git revision such as HEAD~1."


def side(name: str, argument: str) -> Policy:
    """Compile and prove the rules that a name stands for.

    Raises:
        WrongArgument: The name is neither a folder nor a revision of this checkout.
        NotConfigured: No hub runs, or there is no git to read a revision with.
        PolicyRefused: The rules do not hold by what is read and proved today.
    """
    from hub.topics.policy_files import folder_policy

    if name == IN_FORCE:
        return _in_force()
    with _folder(name, argument) as folder:
        return folder_policy(folder)


@contextmanager
def _folder(name: str, argument: str) -> Iterator[Path]:
    from hub.cli.contracts.revision import folder_at
    from hub.errors import NotConfigured, WrongArgument
    from hub.topics.policy_files import POLICY

    folder = Path(name)
    if folder.is_dir():
        yield folder
        return
    if folder.exists():
        message = f"{name} is a file, not a folder of policy files"
        raise WrongArgument(argument, message, fix="name the folder it stands in")
    with ExitStack() as opened:
        try:
            then = opened.enter_context(folder_at(name, POLICY))
        except NotConfigured as error:
            message = f"{name} is no folder that is there, and as a git revision: {error}"
            raise WrongArgument(argument, message, fix=_FIX) from error
        yield then


def _in_force() -> Policy:
    import asyncio

    from hub.app import attached
    from hub.settings import load

    async def rules() -> Policy:
        async with attached(load()) as hub:
            return await hub.rules()

    return asyncio.run(rules())
