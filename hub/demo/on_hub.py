"""Drives a running hub from outside: HTTP with each organisation's key, Kafka, and staff's read access."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Protocol, cast

import httpx
import psycopg
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from psycopg.rows import dict_row

from hub.demo.evidence import Channel, Ground, Judgement, Received, SetAside, Why
from hub.messages.identifiers import OrganisationId
from hub.topics.catalogue import DELIVERY_PARTITIONS, Catalogue
from hub.topics.contract_files import ContractFolder
from hub.topics.library import unframe
from hub.topics.views import schema_on_wire

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from types import TracebackType
    from typing import Self

    from hub.demo.driver import Words
    from hub.demo.organisations import Party
    from hub.settings import Settings
    from hub.topics.library import SchemaLibrary

PAGE = 100
TIMEOUT_S = 10.0
READY_WITHIN_S = 60.0
"""A busy machine may let the hub's tables lag: for so long it is asked again."""
CONNECTIONS_MAX = 16
WENT = frozenset({"disclose", "generalise"})
ENVELOPE_CLASS = "envelope"
"""Of the envelope's own fields, whose decisions stand in the ledger beside the payload's."""
LEDGER_ROWS = """
SELECT l.decision_id, l.message_id, l.delivery_id, l.organisation, l.role, l.gate, l.fields, l.delivers,
       d.cursor, d.message, d.contract
  FROM ledger l LEFT JOIN delivery d ON d.delivery_id = l.delivery_id
 WHERE l.decision_id = ANY(%s)
"""
LEDGER_ORDER = "SELECT decision_id FROM ledger ORDER BY decided_at, decision_id"


class Hub(Protocol):
    """What is needed of a hub in this process; `hub.app` offers it."""

    @property
    def http_url(self) -> str:
        """Where the gateway answers."""

    @property
    def bootstrap(self) -> str:
        """Kafka's address."""

    @property
    def dsn(self) -> str:
        """PostgreSQL's connection string."""

    @property
    def settings(self) -> Settings:
        """The settings it runs with."""

    async def add_organisation(self, body: Mapping[str, object]) -> str:
        """Put an organisation in force in every partition and return a new key for it."""


class HubDriver:
    """A `Driver` for a hub that runs in this process, though it goes in by the doors all others use."""

    def __init__(self, hub: Hub, *, library: SchemaLibrary, words: Words) -> None:
        """Use this hub; `words` says a reason to staff as the rule says it that gave it."""
        self.hub, self.library = hub, library
        self._contracts = ContractFolder.load(hub.settings.contracts)
        self.keys: dict[str, str] = {}
        self._words = words
        self._catalogue = Catalogue()
        self._fetched: dict[str, set[str]] = {}
        self._waiting: dict[str, list[Received]] = {}
        self._set_aside_before: set[str] = set()
        self._messages_before: set[str] = set()
        self._judged: dict[str, Judgement | None] = {}

    async def __aenter__(self) -> Self:
        """Open the connections an outside system would have."""
        limits = httpx.Limits(max_connections=CONNECTIONS_MAX, max_keepalive_connections=CONNECTIONS_MAX)
        self._http = httpx.AsyncClient(base_url=self.hub.http_url, timeout=TIMEOUT_S, limits=limits)
        self._producer = AIOKafkaProducer(bootstrap_servers=self.hub.bootstrap, acks="all", linger_ms=0)
        self._consumer = AIOKafkaConsumer(
            bootstrap_servers=self.hub.bootstrap, isolation_level="read_committed", fetch_max_wait_ms=50
        )
        await asyncio.gather(self._producer.start(), self._consumer.start())
        self._staff = await psycopg.AsyncConnection.connect(
            self.hub.dsn, autocommit=True, row_factory=dict_row
        )
        self._reading: asyncio.Task[None] | None = None
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close them."""
        if self._reading is not None:
            self._reading.cancel()
            await asyncio.gather(self._reading, return_exceptions=True)
        await asyncio.gather(
            self._consumer.stop(), self._producer.stop(), self._http.aclose(), self._staff.close()
        )

    async def register(self, party: Party, *, since: int) -> None:
        """Add an organisation and keep its key."""
        self.keys[party.organisation] = await self.hub.add_organisation(party.body(since=since))
        self._fetched[party.organisation] = set()
        self._waiting[party.organisation] = []

    async def begin(self) -> None:
        """Pass over what is there already, then listen to every organisation's topic."""
        topics = {self._catalogue.delivery_name(OrganisationId(name)): name for name in self.keys}
        partitions = [
            TopicPartition(topic, number) for topic in topics for number in range(DELIVERY_PARTITIONS)
        ]
        self._consumer.assign(partitions)
        await self._consumer.seek_to_end(*partitions)
        await asyncio.gather(*(self._consumer.position(partition) for partition in partitions))
        self._reading = asyncio.create_task(self._read(topics))
        for organisation in self.keys:
            self._fetched[organisation] = set(await self._listed(organisation))
        self._set_aside_before = {
            row["record_id"] for row in await self._rows("SELECT record_id FROM quarantine")
        }
        before = await self._rows("SELECT DISTINCT message_id FROM ledger")
        self._messages_before = {row["message_id"] for row in before}

    async def post(
        self, organisation: str, path: str, body: Mapping[str, object], *, key: str
    ) -> tuple[int, Mapping[str, object]]:
        """Post one message over HTTP."""
        headers = self._authority(organisation) | {"Idempotency-Key": key}
        answer = await self._http.post(path, json=body, headers=headers)
        return answer.status_code, cast("dict[str, object]", answer.json())

    async def produce(self, organisation: str, value: bytes, headers: Mapping[str, str]) -> None:
        """Write one record to the organisation's own inbound topic."""
        topic = self._catalogue.inbox_name(OrganisationId(organisation))
        await self._producer.send_and_wait(
            topic, value, headers=[(name, text.encode()) for name, text in headers.items()]
        )

    async def state(self, organisation: str, message: str) -> str | None:
        """Ask how far a message has come, as its sender."""
        answer = await self._http.get(f"/v1/messages/{message}", headers=self._authority(organisation))
        return str(answer.json()["state"]) if answer.is_success else None

    async def refusal(self, organisation: str, message: str) -> str | None:
        """Return why a message was refused, as its sender reads it; None where only staff may know."""
        answer = await self._http.get(f"/v1/messages/{message}", headers=self._authority(organisation))
        told = answer.raise_for_status().json()["refusal"]
        return None if told is None else f"{told['code']}: {told['detail']}"

    async def mailbox(self, organisation: str) -> Sequence[Received]:
        """Fetch and acknowledge what is new in a mailbox, in its order."""
        new = [one for one in await self._listed(organisation) if one not in self._fetched[organisation]]
        found = await asyncio.gather(*(self._fetch(organisation, delivery) for delivery in new))
        return [one for one in found if one is not None]

    async def kafka(self, organisation: str) -> Sequence[Received]:
        """Take what has been read from the organisation's outbound topic meanwhile."""
        taken, self._waiting[organisation] = self._waiting[organisation], []
        return taken

    async def quarantine(self) -> Sequence[SetAside]:
        """Read the quarantine as staff do."""
        rows = await self._rows("SELECT record_id, organisation, code FROM quarantine ORDER BY set_aside_at")
        return [
            SetAside(organisation=row["organisation"], code=row["code"])
            for row in rows
            if row["record_id"] not in self._set_aside_before
        ]

    async def judgements(self) -> Sequence[Judgement]:
        """Read the ledger as staff do."""
        order = [row["decision_id"] for row in await self._rows(LEDGER_ORDER)]
        unknown = [each for each in order if each not in self._judged]
        found = dict(self._judged)
        for row in await self._rows(LEDGER_ROWS, unknown) if unknown else ():
            judged = None if row["message_id"] in self._messages_before else self._judgement(row)
            found[row["decision_id"]] = judged
            if row["message"] is not None or not row["delivers"]:
                # What is delivered is read again until its delivery is there to be named.
                self._judged[row["decision_id"]] = judged
        return [judged for each in order if (judged := found.get(each)) is not None]

    def _judgement(self, row: Mapping[str, Any]) -> Judgement:
        return Judgement(
            message=row["message_id"],
            delivery=row["delivery_id"],
            recipient=f"{row['organisation']}/{row['role']}",
            gate=None if row["gate"] is None else self._why(row["gate"]),
            fields={field["path"]: self._why(field["reason"], field["rules"]) for field in row["fields"]},
            general=frozenset(field["path"] for field in row["fields"] if field["outcome"] == "generalise"),
            delivers=row["delivers"],
            grounds=tuple(self._grounds(row)),
            place=row["cursor"],
        )

    def _grounds(self, row: Mapping[str, Any]) -> Iterator[Ground]:
        if row["message"] is None:
            return
        specs = self.library.contract(row["message"], row["contract"]).specs
        classes = {spec.path: spec.information_class.value for spec in specs}
        for field in row["fields"]:
            if field["outcome"] in WENT:
                found = classes.get(field["path"], ENVELOPE_CLASS)
                yield Ground(path=field["path"], information_class=found, basis=field["basis"])

    def _why(self, code: str, rules: Sequence[str] = ()) -> Why:
        return Why(code=code, says=self._words(code, rules))

    def _authority(self, organisation: str) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.keys[organisation]}"}

    async def _listed(self, organisation: str) -> list[str]:
        found: list[str] = []
        cursor: str | None = None
        while True:
            parameters = {"limit": str(PAGE)} | ({} if cursor is None else {"cursor": cursor})
            answer = await self._when_ready("GET", "/v1/mailbox/messages", organisation, params=parameters)
            page = answer.raise_for_status().json()
            found += [entry["delivery"] for entry in page["messages"]]
            cursor = page["next_cursor"]
            if cursor is None:
                return found

    async def _fetch(self, organisation: str, delivery: str) -> Received | None:
        """Fetch and acknowledge one delivery; None if it is held meanwhile: it may be listed again."""
        path = f"/v1/mailbox/messages/{delivery}"
        answer = await self._when_ready("GET", path, organisation)
        if answer.status_code == httpx.codes.NOT_FOUND:
            return None
        body = answer.raise_for_status().json()
        self._fetched[organisation].add(delivery)
        digest = {"digest": body["digest"]}
        await self._when_ready("PUT", f"{path}/status/acknowledged", organisation, json=digest)
        return Received(
            organisation=organisation,
            channel=Channel.MAILBOX,
            headers=body["envelope"],
            payload=body["data"],
            raw=answer.content,
        )

    async def _when_ready(
        self,
        method: str,
        path: str,
        organisation: str,
        *,
        params: Mapping[str, str] | None = None,
        json: object = None,
    ) -> httpx.Response:
        """Ask as any client should: again, after the time the hub says, while it has not caught up yet."""
        async with asyncio.timeout(READY_WITHIN_S):
            while True:
                answer = await self._http.request(
                    method, path, params=params, json=json, headers=self._authority(organisation)
                )
                if answer.status_code != httpx.codes.SERVICE_UNAVAILABLE:
                    return answer
                await asyncio.sleep(float(answer.headers.get("Retry-After", 1)))

    async def _read(self, topics: Mapping[str, str]) -> None:
        async for record in self._consumer:
            if record.value is None:
                continue  # it takes back what came before, and brings nothing
            number, body = unframe(record.value)
            organisation = topics[record.topic]
            agreed = (each.terms for each in self._contracts.of(organisation))
            contract = schema_on_wire(self.library, agreed, number)
            self._waiting[organisation].append(
                Received(
                    organisation=organisation,
                    channel=Channel.KAFKA,
                    headers={name: value.decode() for name, value in record.headers},
                    payload=self.library.to_json(contract, self.library.decode(contract, body)),
                    raw=record.value + (record.key or b""),
                )
            )

    async def _rows(self, statement: str, *values: object) -> list[dict[str, Any]]:
        cursor = await self._staff.execute(cast("Any", statement), values or None)
        return await cursor.fetchall()
