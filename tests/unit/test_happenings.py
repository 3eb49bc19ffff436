"""Records of hub.deliveries: what happened, in a lane that leads back to nobody."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from hub.errors import NotReadable
from hub.messages.identifiers import CaseRef, OrganisationId
from hub.topics.codec import Codec
from hub.topics.happenings import Happening, Happenings
from hub.topics.keys import FileKeyStore
from hub.topics.library import SchemaLibrary

if TYPE_CHECKING:
    from pathlib import Path

NORTH, SOUTH = OrganisationId("northmoor-trust"), OrganisationId("southmoor-trust")
CASE, OTHER = CaseRef("1" * 32), CaseRef("2" * 32)
FETCHED = Happening(
    event_id="a" * 32,
    delivery_id="b" * 32,
    organisation=NORTH,
    case=CASE,
    kind="fetched",
    channel="mailbox",
    said={"times": 2, "as": "avro"},
    state="fetched",
    sequence=7,
    at_us=1_795_000_000_123_456,
)


@pytest.fixture
def codec(tmp_path: Path) -> Codec:
    """A codec with keys of its own."""
    return Codec(library=SchemaLibrary.load(), keys=FileKeyStore(tmp_path))


@pytest.mark.requirement("R-DEL-02")
@pytest.mark.parametrize("one", [FETCHED, replace(FETCHED, sequence=None, said={})])
def test_an_event_reads_as_it_was_written(codec: Codec, one: Happening) -> None:
    """All of it, to the microsecond."""
    assert Happenings(codec).happening(Happenings(codec).encoded(one).value) == one


@pytest.mark.requirement("R-DIS-10")
def test_nothing_in_a_record_says_whose_it_is(codec: Codec, tmp_path: Path) -> None:
    """Neither recipient nor case stands in it, and with other keys than the hub's nobody reads them."""
    encoded = Happenings(codec).encoded(FETCHED)
    for secret in (NORTH.encode(), CASE.encode(), bytes.fromhex(CASE)):
        assert secret not in encoded.key + encoded.value
    elsewhere = Codec(library=codec.library, keys=FileKeyStore(tmp_path / "other"))
    Happenings(elsewhere).encoded(FETCHED)
    with pytest.raises(NotReadable) as caught:
        Happenings(elsewhere).happening(encoded.value)
    assert caught.value.code == "SEAL-BROKEN"


@pytest.mark.requirement("R-RTE-07")
def test_a_lane_is_one_recipient_and_one_person(codec: Codec, tmp_path: Path) -> None:
    """The same pair has the same lane; another recipient, person or hub has another."""
    lanes = [Happenings(codec).lane(who, case) for who in (NORTH, SOUTH) for case in (CASE, OTHER)]
    elsewhere = Codec(library=codec.library, keys=FileKeyStore(tmp_path / "other"))
    assert len({*lanes, Happenings(elsewhere).lane(NORTH, CASE)}) == 5
    assert lanes[0] == Happenings(codec).lane(NORTH, CASE)
