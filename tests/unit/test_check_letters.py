"""Check letters of PNC and CRO numbers, on invented numbers whose letters are known."""

from __future__ import annotations

import pytest

from hub.topics.check_letters import has_right_letter


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("pnc", "2019/0123456E"),
        ("pnc", "2004/0712345Y"),
        ("cro", "123456/19P"),
        ("cro", "SF05/482703J"),
        ("noms", "A1234BC"),
    ],
)
def test_number_with_the_letter_that_follows_from_it_is_right(kind: str, text: str) -> None:
    """Known pairs of digits and letter; a kind without a check letter is always right."""
    assert has_right_letter(kind, text)


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("pnc", "2019/0123465E"),
        ("pnc", "2018/0123456E"),
        ("pnc", "19/0123456E"),
        ("cro", "123465/19P"),
        ("cro", "123456/91P"),
        ("cro", "SF05/482730J"),
        ("cro", ""),
    ],
)
def test_number_with_digits_swapped_is_wrong(kind: str, text: str) -> None:
    """The commonest slip of a typist is caught."""
    assert not has_right_letter(kind, text)
