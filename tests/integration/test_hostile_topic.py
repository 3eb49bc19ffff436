"""Hostile bytes on a real topic: every one set aside with its code, the process alive, memory bounded.

A sample here; `HUB_MUTANTS=20000 hub test tests/integration/test_hostile_topic.py -s` is the full form.
"""

from __future__ import annotations

import asyncio
import os
import random
import struct
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from hub.topics.codec import SUBMISSION
from hub.topics.guard import CODES
from hub.topics.library import frame
from tests.integration.projected_world import NORTH, running, until
from tests.integration.test_feeds import Place, named, place, rewritten

if TYPE_CHECKING:
    from collections.abc import Iterator

MUTANTS = int(os.environ.get("HUB_MUTANTS", "4000"))
SEED = 20_261_126
MEMORY_MB_MAX = 200
CHANGES_MAX = 4
_PAGE_KB = os.sysconf("SC_PAGE_SIZE") // 1024
HEAD = b"\x10KD4372AC\x00"
"""A progress message's keys: the referral, and the first kind."""
NOTHING = b"\x00" * 14
"""Its fourteen optional fields, none given."""
BEFORE_LIST = NOTHING[:12]
"""Those before its one list."""


def varint(number: int) -> bytes:
    """A number as Avro writes it."""
    value = (number << 1) ^ (number >> 63)
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])


KINDS = {
    "trailing bytes": ("AVRO-TRAILING", HEAD + NOTHING + b"\x00"),
    "truncated": ("AVRO-TRUNCATED", HEAD + NOTHING[:-1]),
    "negative length": ("AVRO-LENGTH", varint(-8) + HEAD[1:] + NOTHING),
    "huge length": ("AVRO-TRUNCATED", varint(2**40) + HEAD[1:] + NOTHING),
    "length of 2^62": ("AVRO-TRUNCATED", varint(2**62) + HEAD[1:] + NOTHING),
    "2^40 items": ("AVRO-COUNT", HEAD + BEFORE_LIST + b"\x02" + varint(2**40)),
    "minus 2^62 items": ("AVRO-COUNT", HEAD + BEFORE_LIST + b"\x02" + varint(-(2**62)) + varint(1)),
    "a block that lies about its size": (
        "AVRO-LENGTH",
        HEAD + BEFORE_LIST + b"\x02" + varint(-1) + varint(9) + b"\x00\x00",
    ),
    "overlong varint": ("AVRO-VARINT", b"\x90\x00" + HEAD[1:] + NOTHING),
    "varint without end": ("AVRO-VARINT", b"\x80" * 40),
    "symbol 99": ("AVRO-INDEX", HEAD[:-1] + varint(99) + NOTHING),
    "symbol -1": ("AVRO-INDEX", HEAD[:-1] + varint(-1) + NOTHING),
    "union branch 7": ("AVRO-INDEX", HEAD + varint(7) + NOTHING),
    "union branch -1": ("AVRO-INDEX", HEAD + varint(-1) + NOTHING),
    "boolean 7": ("AVRO-INDEX", HEAD + NOTHING[:8] + b"\x02\x07" + NOTHING[9:]),
    "bad UTF-8": ("AVRO-UTF8", varint(8) + b"\xff" * 8 + HEAD[9:] + NOTHING),
}
"""What each kind of hostile payload must be set aside as."""


def deep(levels: int) -> bytes:
    """A record of the envelope's schema id filled with what would be lists in lists, were there any."""
    return frame(SUBMISSION, b"\x02" * levels)


def mutants(here: Place, count: int) -> Iterator[bytes]:
    """Good records with up to four bytes changed, taken out or put in: half in the payload, half anywhere."""
    chance = random.Random(SEED)  # noqa: S311 - a seed, so that every run is the same
    good = here.value(90)
    library = here.world.codec.library
    payload = library.decode(library.by_id(SUBMISSION), good[5:])["payload"]
    assert isinstance(payload, bytes)
    for number in range(count):
        inside = number % 2 == 0
        changed = bytearray(payload if inside else good[5:])
        for _ in range(chance.randint(1, CHANGES_MAX)):
            at = chance.randrange(len(changed))
            match chance.randrange(3):
                case 0:
                    changed[at] = chance.randrange(256)
                case 1:
                    del changed[at]
                case _:
                    changed[at:at] = struct.pack("B", chance.randrange(256)) * chance.randint(1, 9)
        yield rewritten(here, payload=bytes(changed)) if inside else frame(SUBMISSION, bytes(changed))


def memory_mb() -> float:
    """Resident memory of this process."""
    return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1]) * _PAGE_KB / 1024


@pytest.mark.requirement("R-DEL-03")
@pytest.mark.timeout(300)
@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="memory is read from /proc")
async def test_every_hostile_record_on_a_topic_is_set_aside_with_its_code(
    kafka: str, topic_prefix: str, tmp_path: Path
) -> None:
    """Each kind by its own code; every mutant set aside or taken whole; what follows them is still taken."""
    async with place(kafka, topic_prefix, tmp_path) as here:
        topic = here.world.catalogue.inbox_name(NORTH)
        due = Counter(code for code, _ in KINDS.values())
        for name, (_, payload) in KINDS.items():
            await here.send(rewritten(here, payload=payload), named(name.replace(" ", "-").replace("^", "-")))
        await here.send(deep(10_000), named("deep"))

        async with running(here.feeds().run):

            async def kinds_set_aside() -> bool:
                return len(await here.quarantined()) >= len(KINDS) + 1

            await until(kinds_set_aside, timeout_s=30)
            found = Counter(each.code for each in await here.quarantined())
            before_mb = memory_mb()
            sending = [
                await here.producer.send(topic, value, headers=[named(f"m{number}")], partition=number % 3)
                for number, value in enumerate(mutants(here, MUTANTS))
            ]
            await asyncio.gather(*sending)
            await here.send(here.value(91), named("good"))
            ends = len(KINDS) + 1 + MUTANTS + 1

            async def all_seen() -> bool:
                await asyncio.sleep(1)
                return await here.seen() >= ends

            await until(all_seen, timeout_s=240)
            grown_mb = memory_mb() - before_mb

        aside = await here.quarantined()
        taken = await here.taken()

    # Beside each kind's own code stands that of the record that would be deep.
    assert not due - found
    assert [code in CODES for code in (found - due).elements()] == [True]
    codes = Counter(each.code for each in aside) - found
    print(
        f"\n{MUTANTS:,} mutants: {len(taken) - 1:,} taken, {sum(codes.values()):,} set aside: {dict(codes)}"
    )
    print(f"memory grew by {grown_mb:.0f} MB")
    assert len(aside) + len(taken) == ends
    assert sum(codes.values()) > MUTANTS / 3
    assert not {"INTERNAL", "RECORD-INVALID", "NOT-READABLE"} & codes.keys()
    assert "referral-91" in {each.payload["referral"] for each in taken}
    assert grown_mb < MEMORY_MB_MAX
