"""The person's own copy of the Sentence Plan as a page they can read (R-PLAN-03; 001: meaningful to them).

Headings are the questions the plan answers. A part held back by name is said to be, with the words
the rules have for the person; nothing tells of a part that is withheld.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from hub.topics.own_copy_look import check_document, check_page
from hub.topics.values import day_to_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from hub.consent.compile import Policy
    from hub.routing.own_copy import OwnCopy

HEADINGS: Mapping[str, str] = {
    "sentence_summary": "Your sentence",
    "change_summary": "What has changed",
    "change_reason": "Why it has changed",
    "risk_management": "How risk is managed",
    "contingency": "What happens if the plan does not work",
}
"""Parts of the plan beside its objectives, in the order of the page."""
WORDS: Mapping[str, str] = {
    "purpose": "What it is for",
    "need": "The need it meets",
    "organisation": "Who works with you on it",
    "role": "Their role",
    "responsible": "Whom to ask for",
    "intervention": "What you will do",
    "by": "By when",
    "status": "How far it is",
}
"""Parts of an objective, in the order of the page."""
TITLE = "# Your Sentence Plan"
NOTHING = (
    "Nothing of the plan may be given to you now. You may ask the Information Commissioner to check why.\n"
)


def as_page(copy: OwnCopy, policy: Policy) -> str:
    """Return the copy as Markdown.

    Raises:
        LeftIn: Something held back is in what was written; it must not be handed over.
    """
    lines = _lines(copy, policy) if copy.decision.delivers else (TITLE, "", NOTHING.rstrip())
    page = "\n".join(lines) + "\n"
    check_page(copy, page, own_words=_own_words(copy, policy))
    return page


def as_json_text(copy: OwnCopy) -> str:
    """Return the copy for a program: what the person may have, and which fields are held back by name.

    Raises:
        LeftIn: Something held back is in what was written; it must not be handed over.
    """
    plain = {"plan": dict(copy.payload), "held_back": list(copy.redacted), "policy": copy.decision.policy}
    text = json.dumps(plain, indent=2, ensure_ascii=False) + "\n"
    check_document(copy, text)
    return text


def _lines(copy: OwnCopy, policy: Policy) -> Iterator[str]:
    """Yield the page line by line."""
    payload = copy.payload
    yield f"{TITLE}, version {payload['version']}"
    for name, heading in HEADINGS.items():
        text = payload.get(name)
        if name in copy.redacted:
            text = _why_held(copy, policy, name)
        if text:
            yield from ("", f"## {heading}", "", str(text))
    objectives = payload.get("objectives")
    for number, item in enumerate(objectives if isinstance(objectives, list) else (), start=1):
        yield from ("", f"## {number}. {item.get('title') or item['objective']}", "")
        for name, words in WORDS.items():
            if item.get(name) is not None:
                yield f"- {words}: {_said(name, item[name])}"


def _own_words(copy: OwnCopy, policy: Policy) -> Iterator[str]:
    """Yield what a page says whatever the plan says, as it stands there."""
    yield from (TITLE, f"\n{NOTHING}")
    for name, heading in HEADINGS.items():
        why = f"\n{_why_held(copy, policy, name)}\n" if name in copy.redacted else ""
        yield f"\n## {heading}\n{why}"
    yield from (f"\n- {words}: " for words in WORDS.values())


def _said(name: str, value: object) -> str:
    """Say a value as people do."""
    if name == "by" and isinstance(value, int):
        return day_to_text(value)
    if name in {"purpose", "need", "status", "role"}:
        return str(value).replace("_", " ").capitalize()
    return str(value)


def _why_held(copy: OwnCopy, policy: Policy, name: str) -> str:
    """Return what the rules say to the person about a part held back by name."""
    reason = next(item.reason for item in copy.decision.fields if item.path == name)
    _, tells = policy.reasons[reason]
    return tells or "This part is held back."
