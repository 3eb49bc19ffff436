"""A hub in operation as its administrator sees it: organisations put in force, policies released."""

from __future__ import annotations

import asyncio
import secrets
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from hub.adapters.database.alone import AGREEMENT_LOCK, PROFILE_LOCK, alone
from hub.adapters.gateway.acknowledgement_keys import AcknowledgementKeys
from hub.adapters.gateway.identity import key_hash, new_key
from hub.adapters.gateway.mesh_identity import MeshSecret, issue
from hub.adapters.gateway.mesh_store import MeshStore
from hub.adapters.kafka import admin
from hub.adapters.kafka.control import publish_control
from hub.adapters.ledger.control import wait_control
from hub.adapters.ledger.policies import POLICY, policy_facts
from hub.adapters.ledger.profiles import released_profiles
from hub.app.agreed import check_files
from hub.app.prison_codes import check_prison_code
from hub.cases.profile import Profile
from hub.cases.profile_releases import to_release
from hub.consent.compile import Policy, compile_policy
from hub.consent.contract_changes import check_open_to_new, to_put_in_force
from hub.consent.parties import Organisation, organisation_from
from hub.consent.partner_contracts import Direction, PartnerContract, contract_in_effect, readable
from hub.consent.release import (
    COMING,
    CURRENT,
    Release,
    check_release,
    digest_of,
    is_due,
    release_body,
    release_in_force,
)
from hub.errors import NotConfigured, WrongArgument
from hub.messages.envelope import Control
from hub.messages.identifiers import Instant, MessageId, OrganisationId
from hub.routing.agreeing import check_view
from hub.topics.contract_files import ContractFile, ContractFolder, control_body
from hub.topics.policy_files import (
    folder_policy,
    name_from_control,
    policy_from_control,
    read_policy,
    read_release,
)
from hub.topics.profile_files import KIND as PROFILE
from hub.topics.profile_files import check_profiles

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from contextlib import AbstractAsyncContextManager

    from hub.adapters.database.pool import Pool
    from hub.settings import Settings
    from hub.topics.catalogue import Catalogue
    from hub.topics.codec import Codec

ORGANISATION = "organisation"
CONTRACT = "contract"


@dataclass(frozen=True, slots=True, kw_only=True)
class Hub:
    """What administration needs of a running hub."""

    settings: Settings
    bootstrap: str
    dsn: str = field(repr=False)
    http_url: str
    """Where its gateway answers; empty if none is known."""
    notices: tuple[str, ...]
    """What people must be told about how it was started."""
    pool: Pool
    codec: Codec
    catalogue: Catalogue
    roles: asyncio.Future[None]
    """Done when a role ended; carries its fault."""
    _one_at_a_time: asyncio.Lock = field(default_factory=asyncio.Lock, repr=False)

    async def failed(self) -> None:
        """Wait until a role ends of itself, which none should; raises what ended it."""
        await asyncio.shield(self.roles)

    async def add_organisation(self, body: Mapping[str, object]) -> str:
        """Put an organisation in force, make its topics and return a new key for it, shown only here.

        Its contracts in the folder of contracts come into force with it.

        Raises:
            NotConfigured: The description has a wrong field, its prison code is another's, or a contract does
                not hold; it is named.
            Unreachable: Not every partition had it in force in time.
        """
        organisation = _identifier(body)
        files = ContractFolder.load(self.settings.contracts).of(organisation)
        async with self._agreeing(organisation):
            check_prison_code(body, await self.organisations())
            wanted = await self._to_put_in_force(files, organisation_from(body))
            await admin.apply(self.catalogue.organisation_topics(organisation), bootstrap=self.bootstrap)
            # First: a key opens nothing before its organisation is in force.
            key = await self.new_key(organisation)
            # Contracts before the organisation: nothing goes to it wider than was agreed, not even at first.
            await self._put_contracts(wanted)
            await self.put_organisation(body)
        return key

    async def new_key(self, organisation: OrganisationId, *, only: bool = False) -> str:
        """Make another key for an organisation, shown only here; `only` revokes the earlier ones."""
        key = new_key()
        async with self.pool.connection() as connection, connection.transaction():
            if only:
                await connection.execute(
                    "UPDATE credential SET revoked_at = now() WHERE organisation = %s AND revoked_at IS NULL",
                    (organisation,),
                )
            await connection.execute(
                "INSERT INTO credential (key_hash, organisation, label) VALUES (%s, %s, %s)",
                (key_hash(key), organisation, "static key"),
            )
        return key

    async def new_mesh_secret(self, organisation: OrganisationId) -> MeshSecret:
        """Make an organisation's password and shared key for MESH, shown only here; earlier ones end."""
        store = MeshStore(self.pool, wait_s_max=self.settings.control_timeout_s)
        return await issue(store, self.codec.sealer, organisation)

    @property
    def acknowledgement_keys(self) -> AcknowledgementKeys:
        """The public keys organisations sign acknowledgements by."""
        return AcknowledgementKeys(self.pool, wait_s_max=self.settings.control_timeout_s)

    async def put_organisation(self, body: Mapping[str, object]) -> None:
        """Put a description of an organisation in force in every partition, e.g. to suspend it.

        Raises:
            NotConfigured: It would take by Kafka, from now on, a message whose contract is deprecated, or
                have the code of another prison.
        """
        await self.check_organisation(body)
        await self._put(ORGANISATION, _identifier(body), body)

    async def empty_topic(self, organisation: OrganisationId) -> bool:
        """Delete what stands on the topic an organisation reads; False where it has none.

        Called once the organisation is suspended in every partition, so that nothing more is written there.
        """
        return await admin.empty(self.catalogue.delivery_name(organisation), bootstrap=self.bootstrap)

    async def check_organisation(self, body: Mapping[str, object]) -> None:
        """Refuse a description as `put_organisation` would, and put nothing in force."""
        check_prison_code(body, await self.organisations())
        await self._check_new_by_kafka(_identifier(body), body)

    async def contracts(self) -> list[PartnerContract]:
        """Return all contracts in force or to come, as the control records describe them."""
        async with self.pool.connection() as connection:
            cursor = await connection.execute(
                "SELECT body FROM control WHERE kind = %s ORDER BY name", (CONTRACT,)
            )
            return list(readable([row[0] for row in await cursor.fetchall()]))

    async def release_contracts(self, files: Sequence[ContractFile]) -> tuple[PartnerContract, ...]:
        """Put one organisation's contracts in force in every partition; returns those that changed.

        Raises:
            NotConfigured: One does not hold, is not for this organisation, or may not take the place of
                what is in force (hub.consent.contract_changes); nothing was put in force.
        """
        partners = [*dict.fromkeys(each.terms.partner for each in files)]
        changed: list[PartnerContract] = []
        async with self._agreeing(*partners):
            for partner in partners:
                own = [each for each in files if each.terms.partner == partner]
                registered = organisation_from(await self.organisation(partner))
                changed += await self._to_put_in_force(own, registered)
            await self._put_contracts(changed)
        return tuple(changed)

    async def put_contract(self, terms: PartnerContract) -> bool:
        """Put one contract in force in every partition, unverified; False if it was so already.

        Raises:
            NotConfigured: It may not take the place of what is in force, or nothing could be sent by it.
        """
        self._check_views([terms])
        async with self._agreeing(terms.partner):
            wanted = to_put_in_force([terms], await self.contracts(), now=_now())
            half = await self._not_everywhere()
            again = (terms,) if not wanted and _contract_name(terms) in half else ()
            await self._put_contracts((*wanted, *again))
        return bool(wanted or again)

    def _agreeing(self, *partners: str) -> AbstractAsyncContextManager[None]:
        """Hold off other processes: what was checked against what is in force must be so when it is put."""
        return alone(self.dsn, AGREEMENT_LOCK, partners, wait_s=self.settings.control_timeout_s)

    async def _put_contracts(self, wanted: Iterable[PartnerContract]) -> None:
        for each in wanted:
            await self._put(CONTRACT, _contract_name(each), control_body(each))

    def _check_views(self, agreed: Iterable[PartnerContract]) -> None:
        """Refuse here what every router would refuse, and nobody would hear of."""
        for terms in agreed:
            try:
                check_view(terms, self.codec.library)
            except ValueError as error:
                raise NotConfigured(f"{terms.partner}: {error}", fix="mend the view") from error

    async def _not_everywhere(self) -> frozenset[str]:
        """Return the contracts that some partition has not taken: putting them again mends it."""
        async with self.pool.connection() as connection:
            cursor = await connection.execute(
                """
                SELECT c.name FROM control c
                 WHERE c.kind = %s AND %s >
                       (SELECT count(*) FROM control_applied a WHERE a.control_id = c.control_id)
                """,
                (CONTRACT, self.catalogue.intake_partitions),
            )
            return frozenset(row[0] for row in await cursor.fetchall())

    async def _to_put_in_force(
        self, files: Sequence[ContractFile], organisation: Organisation
    ) -> tuple[PartnerContract, ...]:
        if files:
            check_files(files, organisation, self.codec.library, await self.rules())
        agreed = [each.terms for each in files]
        self._check_views(agreed)
        wanted = to_put_in_force(agreed, await self.contracts(), now=_now())
        half = await self._not_everywhere()
        again = (each for each in agreed if each not in wanted and _contract_name(each) in half)
        return (*wanted, *again)

    async def profiles(self) -> tuple[Profile, ...]:
        """Return every jurisdiction profile released, whenever it holds."""
        async with self.pool.connection() as connection:
            return await released_profiles(connection)

    async def release_profiles(self, documents: Iterable[Mapping[str, Any]]) -> tuple[Profile, ...]:
        """Put jurisdiction profiles in force, each from its date on; returns those that were not yet.

        Raises:
            NotConfigured: One has a fault, names other rules than it did before, or would never hold;
                nothing was released.
            Unreachable: Not every partition had it in force in time.
        """
        by_name = {each.name: plain for plain in documents for each in check_profiles([plain])}
        async with alone(self.dsn, PROFILE_LOCK, (PROFILE,), wait_s=self.settings.control_timeout_s):
            new = to_release(check_profiles(by_name.values()), await self.profiles())
            await asyncio.gather(*(self._put(PROFILE, each.name, by_name[each.name]) for each in new))
        return new

    async def rules(self) -> Policy:
        """Return the policy in force, or before the first release the one that comes with the hub."""
        holds = await self._release_in_force()
        if holds is None:
            return await asyncio.to_thread(folder_policy)
        return await asyncio.to_thread(policy_from_control, holds)

    async def _check_new_by_kafka(self, organisation: OrganisationId, body: Mapping[str, object]) -> None:
        """Refuse a new subscription by a contract that is coming to its end, or has."""
        in_force = {each["organisation"]: each for each in await self.organisations()}
        before = in_force.get(organisation, {}).get("kafka", ())
        agreed = [each for each in await self.contracts() if each.partner == organisation]
        for message in organisation_from(body).kafka:
            own = [each for each in agreed if (each.message, each.direction) == (message, Direction.RECEIVES)]
            current = contract_in_effect(own, _now())
            if current is not None and message not in _words(before):
                check_open_to_new(current, now=_now())

    async def organisation(self, organisation: str) -> dict[str, object]:
        """Return the description in force; NotConfigured if there is none."""
        for body in await self.organisations():
            if body["organisation"] == organisation:
                return body
        message = f"there is no organisation {organisation}"
        raise WrongArgument("ORGANISATION", message, fix="see `python3 -m hub partner list`")

    async def organisations(self) -> list[dict[str, object]]:
        """Return the descriptions of all organisations in force, by name."""
        async with self.pool.connection() as connection:
            cursor = await connection.execute(
                "SELECT body FROM control WHERE kind = %s ORDER BY name", (ORGANISATION,)
            )
            return [row[0] for row in await cursor.fetchall()]

    async def policy_in_force(self) -> str | None:
        """Return version and digest of the policy in force, or None before the first release."""
        holds = await self._release_in_force()
        return None if holds is None else name_from_control(holds)

    async def _release_in_force(self) -> Mapping[str, object] | None:
        async with self.pool.connection() as connection:
            facts = await policy_facts(connection)
        return release_in_force(facts.get(CURRENT), facts.get(COMING), _now())

    async def policy_coming(self) -> str | None:
        """Return version and digest of the policy that is to come, or None."""
        async with self.pool.connection() as connection:
            coming = (await policy_facts(connection)).get(COMING)
        return None if coming is None or is_due(coming, _now()) else name_from_control(coming)

    async def release_policy(
        self,
        documents: Mapping[str, object] | None = None,
        release: Release | None = None,
        *,
        effective_at: Instant | None = None,
    ) -> str:
        """Prove an approved policy and put it in force in every partition; returns its name.

        Without documents, the rules that come with the hub. A policy that is in force already is left
        alone; any other takes the place of one that is still to come.

        Args:
            documents: The rules.
            release: Who wrote and who approved them.
            effective_at: From when they are to hold; None: at once.

        Raises:
            PolicyRefused: It breaks an invariant or its vocabulary, or two people other than its author
                have not approved these very rules; nothing was released.
            WrongArgument: The effective time has passed already.
        """
        if documents is None:
            documents, release = read_policy(), read_release()
        found = check_release(release, digest_of(documents))
        policy = await asyncio.to_thread(compile_policy, documents, version=found.version)
        if effective_at is not None and effective_at <= _now():
            message = "the effective time has passed already"
            raise WrongArgument("--effective", message, fix="leave out --effective to release at once")
        if await self.policy_in_force() != policy.name or await self.policy_coming() is not None:
            name = CURRENT if effective_at is None else COMING
            await self._put(POLICY, name, release_body(found, documents, effective_at))
        return policy.name

    async def _put(self, kind: str, name: str, body: Mapping[str, object]) -> None:
        control = Control(
            control_id=MessageId(secrets.token_hex(16)),
            kind=kind,
            name=name,
            effective_at=_now(),
            body=body,
        )
        # Two publishers at once would only fence each other; waiting for what is written need not queue.
        async with self._one_at_a_time:
            await publish_control(
                control, bootstrap=self.bootstrap, codec=self.codec, catalogue=self.catalogue
            )
        await wait_control(
            self.pool,
            control.control_id,
            self.catalogue.intake_partitions,
            self.settings.control_timeout_s,
        )


def _contract_name(terms: PartnerContract) -> str:
    return f"{terms.partner}/{terms.direction}/{terms.name}"


def _now() -> Instant:
    return Instant(time.time_ns() // 1_000_000)


def _words(value: object) -> frozenset[str]:
    return frozenset(map(str, value)) if isinstance(value, list | tuple) else frozenset()


def _identifier(body: Mapping[str, object]) -> OrganisationId:
    try:
        return organisation_from(body).organisation
    except ValueError as error:
        message = f"the organisation's description is wrong: {error}"
        raise NotConfigured(message, fix="mend the named field") from error
