"""What the demonstration needs of a running hub; it sees no more of it than organisations and staff do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable

    from hub.demo.evidence import Judgement, Received, SetAside
    from hub.demo.organisations import Party

    Words = Callable[[str, Sequence[str]], str]
    """A reason in words: of its code, and of the rules that decided."""


class Driver(Protocol):
    """A hub in operation, as the demonstration drives it."""

    async def register(self, party: Party, *, since: int) -> None:
        """Add an organisation, keep its key, and return when it is in force."""

    async def begin(self) -> None:
        """Look away from everything that is there already; a day may be played on a hub in use."""

    async def post(
        self, organisation: str, path: str, body: Mapping[str, object], *, key: str
    ) -> tuple[int, Mapping[str, object]]:
        """Post one message over HTTP; returns status and answer."""

    async def produce(self, organisation: str, value: bytes, headers: Mapping[str, str]) -> None:
        """Write one record to the organisation's own inbound topic."""

    async def state(self, organisation: str, message: str) -> str | None:
        """Return how far a message has come, as its sender reads it."""

    async def refusal(self, organisation: str, message: str) -> str | None:
        """Return why a message was refused, as its sender reads it; None where only staff may know."""

    async def mailbox(self, organisation: str) -> Sequence[Received]:
        """Return what has come into a mailbox since the last call."""

    async def kafka(self, organisation: str) -> Sequence[Received]:
        """Return what has come on an organisation's own outbound topic since the last call."""

    async def quarantine(self) -> Sequence[SetAside]:
        """Return the quarantine list, as staff read it."""

    async def judgements(self) -> Sequence[Judgement]:
        """Return the disclosure ledger, as staff read it."""
