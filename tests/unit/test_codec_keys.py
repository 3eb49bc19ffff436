"""Keys in files, and identifiers at the border."""

from __future__ import annotations

import os
import stat
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.errors import NotConfigured, NotReadable
from hub.messages.identifiers import CaseRef, MessageId, OrganisationId
from hub.topics.keys import FileKeyStore
from hub.topics.pairwise import Pairwise, message_id
from hub.topics.sealing import NONCE_BYTES, NONCES_DRAWN, Sealed, Sealer, random_nonce

if TYPE_CHECKING:
    from pathlib import Path

ONE, OTHER = OrganisationId("harbour-trust"), OrganisationId("quay-service")


class _Fixed:
    """One key for every name."""

    def get(self, key_id: str) -> bytes | None:
        """The key."""
        return self.get_or_create(key_id)

    def get_or_create(self, key_id: str) -> bytes:
        """The key."""
        del key_id
        return bytes(range(32))


def test_key_files_are_closed_to_others(tmp_path: Path) -> None:
    folder = tmp_path / "keys"
    FileKeyStore(folder).get_or_create("hub-id")
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert [(file.name, stat.S_IMODE(file.stat().st_mode)) for file in folder.iterdir()] == [
        ("hub-id", 0o600)
    ]


def test_all_get_the_same_key_when_many_create_it_at_once(tmp_path: Path) -> None:
    stores = [FileKeyStore(tmp_path) for _ in range(16)]
    with ThreadPoolExecutor(16) as pool:
        keys = set(pool.map(lambda store: store.get_or_create("case-1"), stores))
    assert len(keys) == 1
    assert [file.name for file in tmp_path.iterdir()] == ["case-1"]


@pytest.mark.requirement("R-AUD-04")
def test_key_stays_erased_when_somebody_asks_for_it_again(tmp_path: Path) -> None:
    store, elsewhere = FileKeyStore(tmp_path), FileKeyStore(tmp_path, memory_s_max=0)
    store.get_or_create("case-1")
    store.erase("case-1")
    for each in (store, elsewhere):
        with pytest.raises(NotReadable, match="erased"):
            each.get_or_create("case-1")
    assert store.get("case-2") is None


@pytest.mark.parametrize("name", ["../x", "", "A", "a/b", ".hidden"])
def test_key_store_refuses_a_name_that_is_no_key_name(tmp_path: Path, name: str) -> None:
    with pytest.raises(NotReadable):
        FileKeyStore(tmp_path).get_or_create(name)


def test_key_store_says_so_when_a_key_file_is_damaged(tmp_path: Path) -> None:
    (tmp_path / "case-1").write_bytes(b"short")
    with pytest.raises(NotConfigured, match="damaged"):
        FileKeyStore(tmp_path).get("case-1")


@given(st.binary(max_size=64), st.integers(0, 1), st.integers(0, 1))
def test_box_opens_only_where_it_was_sealed(plain: bytes, place: int, record: int) -> None:
    sealer = Sealer(_Fixed())
    sealed = sealer.seal(plain, key_id="case-1", place="hub.intake", record="1")
    there = (("hub.intake", "hub.outbox")[place], ("1", "2")[record])
    if (place, record) == (0, 0):
        assert sealer.open(sealed, place=there[0], record=there[1]) == plain
        return
    with pytest.raises(NotReadable, match="belongs to another record"):
        sealer.open(sealed, place=there[0], record=there[1])


def test_box_does_not_open_under_another_keys_name() -> None:
    sealer = Sealer(_Fixed())
    sealed = sealer.seal(b"x", key_id="case-1", place="p", record="1")
    moved = Sealed(key_id="case-2", nonce=sealed.nonce, box=sealed.box)
    with pytest.raises(NotReadable):
        sealer.open(moved, place="p", record="1")


@pytest.mark.requirement("R-AUD-04")
def test_no_nonce_is_handed_out_twice_whichever_thread_asks() -> None:
    """They are drawn many at a time; two records sealed with one nonce would open each other."""
    with ThreadPoolExecutor(max_workers=8) as pool:
        found = [each.result() for each in [pool.submit(random_nonce) for _ in range(4 * NONCES_DRAWN)]]
    assert len(set(found)) == len(found)
    assert {len(each) for each in found} == {NONCE_BYTES}


@pytest.mark.requirement("R-AUD-04")
def test_a_child_process_shares_no_nonce_with_its_parent() -> None:
    """What the parent has drawn and not used yet is not the child's to use."""
    random_nonce()
    readable, writable = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(writable, b"".join(random_nonce() for _ in range(NONCES_DRAWN)))
        os._exit(0)
    os.waitpid(child, 0)
    theirs = os.read(readable, NONCES_DRAWN * NONCE_BYTES)
    os.close(readable)
    os.close(writable)
    mine = {random_nonce() for _ in range(NONCES_DRAWN)}
    assert len(theirs) == NONCES_DRAWN * NONCE_BYTES
    assert not mine & {theirs[at : at + NONCE_BYTES] for at in range(0, len(theirs), NONCE_BYTES)}


@given(st.one_of(st.integers(0, 2**128 - 1).map(lambda number: f"{number:032x}"), st.text(max_size=60)))
def test_identifier_comes_back_when_an_organisation_sends_its_own_form(identifier: str) -> None:
    pairwise = Pairwise(_Fixed())
    outside = pairwise.case(ONE, CaseRef(identifier))
    assert pairwise.case_from(ONE, outside) == identifier
    assert outside == pairwise.case(ONE, CaseRef(identifier))
    assert outside != pairwise.case(OTHER, CaseRef(identifier))
    assert pairwise.message_from(ONE, pairwise.message(ONE, MessageId(identifier))) == identifier
    assert pairwise.correlation_from(ONE, pairwise.correlation(ONE, identifier)) == identifier


@given(st.text(max_size=80))
def test_reference_is_refused_when_it_was_not_given_to_this_organisation(text: str) -> None:
    pairwise = Pairwise(_Fixed())
    foreign = pairwise.case(OTHER, CaseRef("a" * 32))
    message = pairwise.message(ONE, MessageId("a" * 32))
    for reference in (
        text,
        f"case_{text}",
        foreign,
        message,
        message.replace("msg_", "case_"),
        foreign.upper(),
    ):
        with pytest.raises(NotReadable) as refused:
            pairwise.case_from(ONE, reference)
        assert refused.value.code == "REFERENCE-UNKNOWN"


@pytest.mark.requirement("R-DEL-02")
def test_message_id_is_the_same_only_for_the_same_organisation_route_and_key() -> None:
    def named(organisation: OrganisationId, route: str, key: str) -> str:
        return message_id(_Fixed(), organisation=organisation, route=route, idempotency_key=key)

    ids = {
        named(*parts) for parts in ((ONE, "a", "bc"), (ONE, "ab", "c"), (OTHER, "a", "bc"), (ONE, "a", "bd"))
    }
    assert len(ids) == 4
    assert named(ONE, "a", "bc") in ids
    assert {len(found) for found in ids} == {32}
