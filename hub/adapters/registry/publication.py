"""Publishing the hub's schemas to a registry, and making sure that it then has them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from hub.adapters.registry.canonical import canonical, digest_of
from hub.errors import Drift

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from hub.adapters.registry.client import HttpRegistry
    from hub.topics.published import PublishedSchema

FULL_TRANSITIVE = "FULL_TRANSITIVE"
"""Each version reads every other, both ways; what the hub itself holds its contracts to."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Registered:
    """One schema as the registry has it now."""

    schema: PublishedSchema
    id: int
    """The id the registry has for it."""
    new: bool
    """Whether it was not there before."""

    @property
    def same_id(self) -> bool:
        """Whether a record framed with the hub's id is found under it."""
        return self.id == self.schema.id


@dataclass(frozen=True, slots=True, kw_only=True)
class Publication:
    """What came of publishing: every schema is in the registry, digest for digest."""

    registered: tuple[Registered, ...]

    @property
    def new(self) -> tuple[Registered, ...]:
        """Those the registry did not have before."""
        return tuple(each for each in self.registered if each.new)

    @property
    def other_ids(self) -> tuple[Registered, ...]:
        """Those the registry has under another id than the hub's records carry."""
        return tuple(each for each in self.registered if not each.same_id)


async def publish(
    registry: HttpRegistry,
    schemas: Sequence[PublishedSchema],
    *,
    compatibility: str = FULL_TRANSITIVE,
    at: Callable[[int, int], None] | None = None,
) -> Publication:
    """Register the schemas in their order and read each back by its id.

    Publishing what is there already changes nothing; after a failure it may simply be done again.

    Args:
        registry: Where to.
        schemas: What, the versions of a subject in ascending order.
        compatibility: What the registry is to check of each subject's versions.
        at: Told after each schema how many are done, of how many.

    Raises:
        Drift: The registry refuses a schema, or gives back another one under its id.
        Unreachable, NotConfigured: As HttpRegistry.
    """
    guarded: set[str] = set()
    registered = []
    for done, schema in enumerate(schemas, start=1):
        # Before the first version: until a level is set, Apicurio registers without any check.
        if schema.subject not in guarded and await registry.set_compatibility(schema.subject, compatibility):
            guarded.add(schema.subject)
        registered.append(await _put(registry, schema))
        if schema.subject not in guarded:
            # This registry takes a level only once it has the subject; a first version breaks nothing.
            await registry.set_compatibility(schema.subject, compatibility)
            guarded.add(schema.subject)
        if at is not None:
            at(done, len(schemas))
    return Publication(registered=tuple(registered))


async def _put(registry: HttpRegistry, schema: PublishedSchema) -> Registered:
    """Register one schema unless it is there, and check that it is."""
    text = canonical(schema.schema)
    found = await registry.lookup(schema.subject, text)
    # A look-up may be answered by a schema that differs in what Avro ignores: information classes.
    if found is not None and digest_of(found.schema) == schema.digest:
        number, new = found.id, False
    else:
        number, new = await registry.register(schema.subject, text), True
    if digest_of(await registry.schema(number) or "") != schema.digest:
        message = f"the registry has another schema under the id it gave {schema.subject} {schema.version}"
        raise Drift(
            message, fix="see what it has with `hub contracts verify --registry`; nothing was replaced"
        )
    return Registered(schema=schema, id=number, new=new)
