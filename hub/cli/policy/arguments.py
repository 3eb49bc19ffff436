"""Arguments of policy commands read into what they name; what is wrong with one is said by its name."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from hub.consent.parties import not_among
from hub.errors import WrongArgument

if TYPE_CHECKING:
    from collections.abc import Mapping
    from enum import StrEnum

    from hub.messages.envelope import InformationClass, MessageName

    Word = TypeVar("Word", bound=StrEnum)


def message_named(said: str) -> MessageName:
    """Return the type of message a `--message` names."""
    from hub.messages.envelope import MessageName

    return one_of(MessageName, "--message", said, "type of message")


def class_named(said: str) -> InformationClass:
    """Return the information class a `--class` names."""
    from hub.messages.envelope import InformationClass

    return one_of(InformationClass, "--class", said, "information class")


def one_of(kind: type[Word], argument: str, said: str, what: str) -> Word:
    """Return one word of a closed list; WrongArgument says which there are, and which was meant."""
    words = {str(each): each for each in kind}
    if said in words:
        return words[said]
    raise not_among(argument, said, what, words)


def check_one_of(given: Mapping[str, object]) -> None:
    """Refuse a question that says not once, but never or twice, what it is about."""
    stated = [name for name, value in given.items() if value is not None]
    if len(stated) != 1:
        message = "both are given, and one is asked about" if stated else "neither is given"
        raise WrongArgument(" and ".join(given), message, fix=f"give {' or '.join(given)}")


def check_not_given(given: Mapping[str, object], beside: str) -> None:
    """Refuse an option that would have no part in the answer."""
    idle = [name for name, value in given.items() if value is not None]
    if idle:
        message = f"says nothing beside {beside}" if len(idle) == 1 else f"say nothing beside {beside}"
        raise WrongArgument(", ".join(idle), message, fix=f"leave out {' and '.join(idle)}")
