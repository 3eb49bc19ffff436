"""A running hub as organisations and staff reach it, for tests of the Offender Management Model as a whole.

What is posted goes in over HTTP; what comes of it is read in the recipients' mailboxes.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from hub.demo.organisations import PROBATION, RECOVERY
from tests.integration.projected_world import rows, until

if TYPE_CHECKING:
    from collections.abc import Mapping

    import httpx

    from hub.adapters.database.pool import Pool

MOORLAND = "hmp-moorland"
ADMINISTRATOR = (PROBATION, "case_administrator", "ca-elm")
MANAGER = (PROBATION, "offender_manager", "om-fern")
BOSS = (PROBATION, "line_manager", "lm-oak")
OFFICER = (MOORLAND, "offender_supervisor", "os-ash")
UNIT = (MOORLAND, "offender_management_unit", "omu-yew")
WORKER = (RECOVERY, "key_worker", "kw-reed")
Who = tuple[str, str, str]


def ago(days: int) -> datetime:
    """Return the moment so many days ago."""
    return datetime.now(UTC) - timedelta(days=days)


@dataclass(kw_only=True)
class Site:
    """A running hub as organisations and staff reach it."""

    http: httpx.AsyncClient
    pool: Pool
    keys: dict[str, str]
    cases: dict[str, str] = field(default_factory=dict)
    """The opener's reference of each case by its name here."""
    own: dict[str, dict[str, str]] = field(default_factory=dict)
    """Every other organisation's."""
    refused: dict[str, tuple[str, str]] = field(default_factory=dict)
    """Code and detail as staff see them, by the name of what was posted."""
    refused_as: dict[str, dict[str, Any]] = field(default_factory=dict)
    """What the sender was told."""
    said: list[str] = field(default_factory=list)
    """What the command said that released a profile, twice."""
    listed: list[dict[str, str]] = field(default_factory=list)
    mail: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    sent: int = 0

    async def post(
        self,
        case: str,
        by: Who,
        path: str,
        data: Mapping[str, object],
        *,
        at: datetime | None = None,
        refused: str | None = None,
    ) -> None:
        """Post a message on a case by its name here and wait until it is routed, or refused under a name."""
        self.sent += 1
        organisation, role, person = by
        body = {
            "contract": "1.0",
            "occurred_at": f"{at or datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}",
            "author": person,
            "author_role": role,
            "statement": "fact",
            "data": data,
        }
        named = {"case": await self.reference(case, organisation)} if case in self.cases else {}
        headers = self.authority(organisation) | {"Idempotency-Key": f"k-{self.sent}"}
        answer = await self.http.post(f"/v1/{path}", json=body | named, headers=headers)
        assert answer.status_code == 202, answer.text
        found = answer.json()
        if case not in self.cases:
            self.cases[case] = found["case"]
        status: dict[str, Any] = {}

        async def done() -> bool:
            asked = await self.http.get(found["status_url"], headers=self.authority(organisation))
            status.update(asked.json())
            return status["state"] in {"routed", "refused"}

        await until(done)
        aside = await rows(
            self.pool, "SELECT code, detail FROM quarantine ORDER BY set_aside_at DESC LIMIT 1"
        )
        assert status["state"] == ("routed" if refused is None else "refused"), aside
        if refused is not None:
            self.refused[refused], self.refused_as[refused] = (aside[0][0], aside[0][1]), status

    def authority(self, organisation: str) -> dict[str, str]:
        """Return the header an organisation calls with."""
        return {"Authorization": f"Bearer {self.keys[organisation]}"}

    async def reference(self, case: str, organisation: str) -> str:
        """Return what an organisation calls a case: each has its own, learnt when it is told."""
        if organisation == PROBATION:
            return self.cases[case]
        own = self.own.setdefault(organisation, {})

        async def told() -> bool:
            new = {case_of(each) for each in await self.fetched(organisation)} - set(own.values())
            own.update(dict.fromkeys([case], *new) if case not in own and new else {})
            return case in own

        await until(told)
        return own[case]

    async def fetched(self, organisation: str) -> list[dict[str, Any]]:
        """Fetch everything in a mailbox that was not fetched before; return all that ever was."""
        held = self.mail.setdefault(organisation, [])
        known = {each["delivery"] for each in held}
        headers = self.authority(organisation)
        listed = await self.http.get("/v1/mailbox/messages?limit=100", headers=headers)
        for each in listed.raise_for_status().json()["messages"]:
            if each["delivery"] not in known:
                path = f"/v1/mailbox/messages/{each['delivery']}"
                body = (await self.http.get(path, headers=headers)).raise_for_status().json()
                held.append(body | {"delivery": each["delivery"], "type": each["type"]})
                put = f"{path}/status/acknowledged"
                await self.http.put(put, json={"digest": each["digest"]}, headers=headers)
        return held

    async def exceptions(self, case: str, organisation: str = PROBATION) -> list[dict[str, Any]]:
        """Return the exception reports an organisation has had on a case, in their order."""
        return [
            each["data"]
            for each in await self.fetched(organisation)
            if each["type"] == "exception" and case_of(each) == self.cases[case]
        ]

    async def codes(self, case: str) -> set[str]:
        """Return the codes of the exception reports on a case."""
        return {each["code"] for each in await self.exceptions(case)}

    async def has(self, case: str, code: str) -> None:
        """Wait until the opener has had an exception report of this code on a case."""

        async def there() -> bool:
            return code in await self.codes(case)

        await until(there)

    async def open(self, case: str, **facts: object) -> None:
        """Open a case and let the team be told of it."""
        await self.post(case, ADMINISTRATOR, "cases", {"action": "OPENED", **facts})

    async def appoint(self, case: str, whom: Who, **more: object) -> None:
        """Appoint somebody to the team."""
        organisation, role, person = whom
        place = {"role": role, "organisation": organisation, "person": person}
        await self.post(case, BOSS, "team-changes", {"action": "APPOINT", **place, **more})
        await self.reference(case, organisation)

    async def says(self, case: str, *, refused: str | None = None, **facts: object) -> None:
        """Let the Case Administrator state something of a case."""
        await self.post(case, ADMINISTRATOR, "cases", {"action": "CHANGED", **facts}, refused=refused)


def case_of(delivery: Mapping[str, Any]) -> str:
    """Return what its recipient calls the case of a delivery."""
    return str(delivery["envelope"]["ce_subject"])
