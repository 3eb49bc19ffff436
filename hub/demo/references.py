"""What a sender must have been told before it can name it: messages, deliveries, correlations."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hub.demo.day import Cited

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hub.demo.day import Citation, Step
    from hub.demo.evidence import Received

CAUSATION, CORRELATION = "causation", "correlation"


class Known:
    """Every reference the hub gave to anybody, by organisation and step."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self._headers: dict[tuple[str, str], list[Mapping[str, str]]] = {}
        self._posted: dict[tuple[str, str], str] = {}

    def took(self, step: Step, received: Received) -> None:
        """Keep what a recipient learned of a step."""
        self._headers.setdefault((received.organisation, step.name), []).append(received.headers)

    def posted(self, step: Step, reference: str) -> None:
        """Keep the reference the hub gave a sender for its own message."""
        self._posted[step.author.organisation, step.name] = reference

    def ready(self, step: Step) -> bool:
        """Say whether the sender has been told of everything the step names."""
        named = {citation.step for citation in step.cites.values()} | ({step.follows} - {None})
        own = step.author.organisation
        return all((own, name) in self._headers or (own, name) in self._posted for name in named)

    def data(self, step: Step) -> dict[str, object]:
        """Return the payload with what it cites filled in."""
        return {**step.data, **{path: self._cited(step, cited) for path, cited in step.cites.items()}}

    def thread(self, step: Step) -> dict[str, str]:
        """Return cause and correlation as the sender knows them; empty for what follows nothing."""
        headers = self._of(step, step.follows)
        if not headers:
            return {}
        return {CAUSATION: headers["hub-message"], CORRELATION: headers["hub-correlation"]}

    def _cited(self, step: Step, citation: Citation) -> str:
        own = self._posted.get((step.author.organisation, citation.step))
        if citation.what is Cited.MESSAGE and own is not None:
            return own
        header = {Cited.MESSAGE: "hub-message", Cited.DELIVERY: "ce_id"}[citation.what]
        return self._of(step, citation.step).get(header, "")

    def _of(self, step: Step, name: str | None) -> Mapping[str, str]:
        """Return the headers the author of a step got of another, in the author's own role if it can be."""
        held = self._headers.get((step.author.organisation, name or ""), [])
        in_role = [headers for headers in held if headers["hub-role"] == step.author.role.value]
        return next(iter(in_role or held), {})
