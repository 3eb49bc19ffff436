"""Strict JSON: what passes means one thing to every reader; what does not is named and never repeated."""

from __future__ import annotations

import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.errors import InvalidBody
from hub.topics.strict_json import canonical_digest, read_object, segment

DEPTH = 16
TEXT = st.text(alphabet=st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=20)
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=20,
)
OBJECTS = st.dictionaries(TEXT, VALUES, max_size=6)


@given(OBJECTS)
@pytest.mark.requirement("R-DEL-03")
def test_reader_returns_what_was_written_when_it_is_sound(document: dict[str, object]) -> None:
    """Sound JSON is read as any reader reads it."""
    assert read_object(json.dumps(document).encode(), depth_max=64) == json.loads(json.dumps(document))


@given(st.binary(max_size=300) | st.text(max_size=300).map(lambda text: text.encode(errors="surrogatepass")))
@pytest.mark.requirement("R-DEL-03")
def test_reader_refuses_or_returns_whatever_the_bytes(raw: bytes) -> None:
    """No bytes bring out anything but an object or a named fault."""
    found: tuple[object, ...]
    try:
        read = read_object(raw, depth_max=DEPTH)
    except InvalidBody as error:
        found = error.faults
    else:
        found = (read,)
    assert found


@given(st.text(alphabet='{}[]":,\\0aN', max_size=60))
def test_reader_agrees_with_pythons_on_what_is_json(text: str) -> None:
    """What it takes, Python's reader takes too, and to the same effect."""
    try:
        read = read_object(text.encode(), depth_max=DEPTH)
    except InvalidBody:
        return
    assert read == json.loads(text)


@given(OBJECTS)
def test_digest_is_that_of_the_content_and_not_of_its_spelling(document: dict[str, object]) -> None:
    """Order of keys and spaces do not make another message."""
    turned = dict(reversed(document.items()))
    assert canonical_digest(document) == canonical_digest(turned)
    spelled = json.dumps(document, indent=3, ensure_ascii=True).encode()
    assert canonical_digest(read_object(spelled, depth_max=64)) == canonical_digest(document)


@given(st.text(max_size=60))
def test_pointer_repeats_a_key_only_if_it_is_a_field_name(key: str) -> None:
    """A key that is no field name may be content in the wrong place."""
    named = segment(key)
    assert named == "*" or (named == key and key.isascii() and key.replace("_", "a").isalnum())


def test_reader_names_every_fault_with_its_pointer() -> None:
    """All that is wrong is said at once, in order."""
    raw = (
        rb'{"a": NaN, "a": 1e999, "b": {"c": ["\u0000", "\ud800", 99999999999999999999]},'
        rb' "Jo Bloggs": {"d": -Infinity}}'
    )
    with pytest.raises(InvalidBody) as refused:
        read_object(raw, depth_max=DEPTH)
    found = [(fault.pointer, fault.rule) for fault in refused.value.faults]
    assert found == [
        ("/a", "number"),
        ("/a", "duplicate-key"),
        ("/a", "number"),
        ("/b/c/0", "character"),
        ("/b/c/1", "character"),
        ("/b/c/2", "number"),
        ("/*/d", "number"),
    ]


@pytest.mark.parametrize(
    "raw",
    [
        b"[" * 250_000,
        b'{"a":' * 40_000,
        b'"' + b'\\"' * 120_000,
        b'{"' + b'\\"' * 120_000,
        b"]" * 250_000,
        b"9" * 250_000,
    ],
    ids=["lists", "objects", "escapes", "escaped key", "closings", "digits"],
)
def test_reader_is_quick_when_the_text_is_made_to_tire_it(raw: bytes) -> None:
    """The time taken grows with the text and no faster."""
    began = time.perf_counter()
    with pytest.raises(InvalidBody):
        read_object(raw, depth_max=DEPTH)
    assert time.perf_counter() - began < 1


def test_reader_counts_depth_outside_strings_only() -> None:
    """Brackets in a text are text."""
    assert read_object(json.dumps({"a": "[" * 100 + '"' + "{" * 100}).encode(), depth_max=1)
    with pytest.raises(InvalidBody):
        read_object(b'{"a": [[]]}', depth_max=2)
