"""Publishing to a real registry, comparing with it, and reading alike from it and from the hub's own."""

from __future__ import annotations

import json
import os
import time
import uuid
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from hub.adapters.registry import Kind, RegistryLimits, compare, open_registry, publish
from hub.adapters.registry.canonical import canonical, digest_of
from hub.errors import Drift, NotConfigured, Unreachable
from hub.topics.avro.canonical import digest
from hub.topics.library import SchemaLibrary
from hub.topics.published import PublishedSchema, message_schemas
from tests.registry.apicurio import RELEASES, running

if TYPE_CHECKING:
    from pathlib import Path

    from hub.adapters.registry import HttpRegistry

# A first run fetches the registry itself.
pytestmark = pytest.mark.timeout(600)
MESSAGES = message_schemas(SchemaLibrary.load())
SHORT = RegistryLimits(call_timeout_s=1.5, first_pause_s=0.05)


def renamed() -> tuple[PublishedSchema, ...]:
    """The message contracts under subjects that no other test has."""
    prefix = f"t{uuid.uuid4().hex[:10]}-"
    return tuple(replace(each, subject=prefix + each.subject) for each in MESSAGES)


def numbered(schema: PublishedSchema, found: int) -> PublishedSchema:
    """The same schema, framed with another id."""
    return replace(schema, id=found)


def version_of(subject: str, number: int, field: dict[str, object], *, id_: int = 7) -> PublishedSchema:
    """A version of a small schema with this one field."""
    schema = {"type": "record", "name": "M", "namespace": "x", "fields": [field]}
    text = json.dumps(schema, indent=2)
    return PublishedSchema(id=id_, subject=subject, version=number, schema=text, digest=digest(schema))


VICTIM: dict[str, object] = {"name": "a", "type": ["null", "string"], "default": None, "infoClass": "victim"}
LOOSER = VICTIM | {"infoClass": "progress"}
NUMBER: dict[str, object] = {"name": "a", "type": "int", "infoClass": "victim"}


@pytest.mark.requirement("R-MSG-12")
async def test_every_message_contract_is_published_and_read_back_digest_for_digest(
    outside: HttpRegistry,
) -> None:
    """Each is new, and what stands under its id is the schema with its classes."""
    schemas, told = renamed(), []
    found = await publish(outside, schemas, at=lambda done, of: told.append((done, of)))
    assert [each.schema for each in found.new] == list(schemas)
    assert told == [(done, len(schemas)) for done in range(1, len(schemas) + 1)]
    for each in found.registered:
        assert digest_of(await outside.schema(each.id) or "") == each.schema.digest


async def test_publishing_again_changes_nothing(outside: HttpRegistry) -> None:
    """The second time everything is there, under the same ids and as one version, however it is spelt."""
    schemas = renamed()
    first = await publish(outside, schemas)
    spelt = [replace(each, schema=json.dumps(json.loads(each.schema), indent=4)) for each in schemas]
    second = await publish(outside, spelt)
    assert second.new == ()
    assert [each.id for each in second.registered] == [each.id for each in first.registered]
    assert {await outside.versions(each.subject) for each in schemas} == {(1,)}


async def test_a_schema_that_readers_could_not_read_is_refused_with_the_registrys_reason(
    outside: HttpRegistry,
) -> None:
    """The level was set before the first version, so the second is checked; nothing was replaced."""
    subject = f"t{uuid.uuid4().hex}"
    with pytest.raises(Drift, match=r"\(409\).*/fields/0"):
        await publish(outside, [version_of(subject, 1, VICTIM), version_of(subject, 2, NUMBER)])
    assert await outside.versions(subject) == (1,)


async def test_a_schema_that_differs_in_a_class_alone_is_another_schema(outside: HttpRegistry) -> None:
    """To Avro both are one; what may be known of a field is what the hub is about."""
    subject = f"t{uuid.uuid4().hex}"
    first, second = version_of(subject, 1, VICTIM), version_of(subject, 2, LOOSER)
    found = await publish(outside, [first, second])
    assert [each.new for each in found.registered] == [True, True]
    assert found.registered[0].id != found.registered[1].id
    assert await outside.versions(subject) == (1, 2)
    again = await publish(outside, [first, second])
    assert [each.id for each in again.registered] == [each.id for each in found.registered]
    assert again.new == ()


async def test_ids_that_differ_from_the_hubs_are_reported(outside: HttpRegistry) -> None:
    """A registry counts by itself; once its ids are the hub's, nothing differs."""
    schemas = [numbered(each, 1_000_000 + each.id) for each in renamed()]
    found = await publish(outside, schemas)
    assert found.other_ids == found.registered
    differences = await compare(outside, schemas)
    assert [(each.kind, each.hub_id, each.registry_id) for each in differences] == [
        (Kind.OTHER_ID, each.schema.id, each.id) for each in found.registered
    ]
    adopted = [numbered(each.schema, each.id) for each in found.registered]
    assert (await publish(outside, adopted)).other_ids == ()
    assert await compare(outside, adopted) == ()


async def test_what_a_registry_lacks_has_otherwise_or_besides_is_told_apart(outside: HttpRegistry) -> None:
    """One difference for each, naming subject and version."""
    subject, missing = f"t{uuid.uuid4().hex}", f"t{uuid.uuid4().hex}"
    first, second = version_of(subject, 1, VICTIM), version_of(subject, 2, LOOSER)
    await publish(outside, [first, second])
    ours = [
        version_of(subject, 1, VICTIM),
        version_of(subject, 2, VICTIM | {"infoClass": "contact"}),
        version_of(subject, 3, VICTIM | {"infoClass": "health"}),
        version_of(missing, 1, VICTIM),
    ]
    found = {(each.kind, each.subject, each.version) for each in await compare(outside, ours)}
    assert found - {(Kind.OTHER_ID, subject, 1)} == {
        (Kind.DIFFERENT, subject, 2),
        (Kind.LACKS, subject, 3),
        (Kind.LACKS, missing, 1),
    }
    besides = await compare(outside, [first])
    assert [(each.kind, each.version) for each in besides if each.kind is not Kind.OTHER_ID] == [
        (Kind.BESIDES, 2)
    ]
    assert all(each.sentence.startswith(subject) for each in besides)


async def test_a_registry_that_dies_is_told_within_its_time_limit_and_leaves_nothing_running(
    tmp_path: Path,
) -> None:
    """Killed between two publications: the second says so, and may be done again elsewhere."""
    with running(RELEASES["3.0.9"], tmp_path) as started:
        async with open_registry(started.url, limits=SHORT) as registry:
            await publish(registry, MESSAGES[:1])
            started.kill()
            began = time.monotonic()
            with pytest.raises(Unreachable):
                await publish(registry, MESSAGES)
            assert time.monotonic() - began < 2 * SHORT.call_timeout_s
    with pytest.raises(ProcessLookupError):
        os.kill(started.pid, 0)


async def reads(registry: HttpRegistry, schemas: tuple[PublishedSchema, ...]) -> None:
    """By id, by subject, latest and by look-up: the same schema; what there is not is None."""
    for each in schemas:
        answers = [
            await registry.latest(each.subject),
            await registry.version(each.subject, 1),
            await registry.lookup(each.subject, canonical(each.schema)),
        ]
        # Apicurio 3.3.3 spells one schema differently from one address to the next.
        read = {(a.subject, a.version, a.id, digest_of(a.schema)) for a in answers if a is not None}
        assert read == {(each.subject, 1, each.id, each.digest)}
        assert None not in answers
        assert digest_of(await registry.schema(each.id) or "") == each.digest
        assert await registry.versions(each.subject) == (1,)
    assert await compare(registry, schemas) == ()
    assert await registry.schema(2_000_000_000) is None
    assert await registry.latest("none-of-that-name") is None
    assert await registry.version(schemas[0].subject, 9) is None
    assert await registry.versions("none-of-that-name") == ()
    assert await registry.lookup(schemas[0].subject, schemas[1].schema) is None
    assert await registry.lookup("none-of-that-name", schemas[0].schema) is None


async def test_what_was_published_reads_alike_whichever_way_it_is_asked_for(outside: HttpRegistry) -> None:
    """At a registry outside, by the ids it gave."""
    found = await publish(outside, renamed())
    await reads(outside, tuple(numbered(each.schema, each.id) for each in found.registered))


async def test_the_hubs_own_registry_reads_like_the_ones_outside(own: HttpRegistry) -> None:
    """By the ids the hub's records carry."""
    await reads(own, MESSAGES)


async def test_the_hubs_own_registry_is_not_published_to(own: HttpRegistry) -> None:
    """Its answer names the way that is open."""
    with pytest.raises(NotConfigured, match="hub contracts register"):
        await publish(own, MESSAGES)
