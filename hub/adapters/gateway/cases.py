"""The single case record, read by a member of the team as far as that member may see it (R-CASE-09).

No such case, one the reader has no such part in, and a reference that is none are one and the same 404.
What is read is recorded before it is answered: what cannot be recorded is not read (DPA 2018 s.62).
"""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Header, Query, Request, Response
from fastapi.responses import JSONResponse

from hub.adapters.gateway.problems import ProblemError
from hub.adapters.gateway.reference import answers
from hub.adapters.gateway.routes import Caller, services
from hub.messages.envelope import Role

Reader = Annotated[
    str,
    Header(
        alias="Hub-Reader",
        description="Who reads, by staff reference; no address ever holds it.",
        pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$",
    ),
]
AsRole = Annotated[Role, Query(alias="role", description="In which role you read; it decides what you see.")]

router = APIRouter()


@router.get(
    "/v1/cases/{case}",
    operation_id="read-case",
    summary="The single case record, as far as you may see it; each reading is recorded",
    tags=["cases"],
    responses=answers(
        "parameter-invalid",
        "unauthenticated",
        "organisation-suspended",
        "not-found",
        "database-unavailable",
        "not-caught-up",
    ),
)
async def read_case(
    request: Request, organisation: Caller, case: str, role: AsRole, reader: Reader
) -> Response:
    """Let a member of the team read the record; `Hub-Reader` says who, by staff reference."""
    gateway = services(request)
    await gateway.mailbox.freshness.wait()
    found = None
    if gateway.records is not None:
        found = await gateway.records.read(organisation.organisation, case, role=role, person=reader)
    if found is None:
        code = "not-found"
        raise ProblemError(code)
    body = {
        "case": found.case,
        "role": found.role.value,
        "entries": [dict(each) for each in found.entries],
        "plan_holders": [dict(each) for each in found.plan_holders],
    }
    return JSONResponse(body, headers={"Cache-Control": "no-store"})
