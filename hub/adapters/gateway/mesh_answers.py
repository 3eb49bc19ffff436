"""How answers under /messageexchange look: as MESH gives them, errors included.

MESH clients read `{"detail": [{"event", "code", "msg"}]}`, not problem+json, so every refusal under this path
takes that form, also those that the gateway's edge gives. Who is not known is 403, as MESH has it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastapi.responses import JSONResponse

from hub.adapters import telemetry

if TYPE_CHECKING:
    from starlette.responses import Response

    from hub.adapters.gateway.problems import ProblemError

PREFIX = "/messageexchange"
_NOT_KNOWN, _FORBIDDEN, _HUBS_FAULT = 401, 403, 500
_REMEDY = (
    "Send NHSMESH with the mailbox, password and shared key that were issued, and a nonce not used before."
)


class MeshJson(JSONResponse):
    """A document with the content type of version 2 of the MESH API."""

    media_type = "application/vnd.mesh.v2+json"


def mesh_refusal(refused: ProblemError) -> Response:
    """Return a problem's answer in the form MESH clients read."""
    problem, plain = refused.problem, refused.response()
    known = problem.status != _NOT_KNOWN
    said = [(problem.title, problem.fix if known else _REMEDY)]
    said += [(fault.pointer, fault.fix) for fault in refused.faults]
    detail = [{"event": "HUB", "code": problem.code, "msg": f"{what}: {fix}"} for what, fix in said]
    body: dict[str, object] = {"detail": detail}
    if problem.status >= _HUBS_FAULT and (trace := telemetry.trace_id()) is not None:
        body["internal_id"] = trace
    kept = {
        name: value
        for name, value in plain.headers.items()
        if name not in {"content-type", "content-length", "www-authenticate"}
    }
    return MeshJson(body, problem.status if known else _FORBIDDEN, headers=kept)
