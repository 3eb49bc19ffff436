"""A refusal, in the form that callers of an address read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hub.adapters.gateway import mesh_answers, registry_answers

if TYPE_CHECKING:
    from starlette.responses import Response

    from hub.adapters.gateway.problems import ProblemError


def refusal(path: str, problem: ProblemError) -> Response:
    """Return a problem's answer as this path gives it: as MESH, as a schema registry, else as RFC 9457."""
    if path.startswith(f"{mesh_answers.PREFIX}/"):
        return mesh_answers.mesh_refusal(problem)
    return registry_answers.refusal(path, problem)
