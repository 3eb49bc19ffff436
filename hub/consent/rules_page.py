"""The rules as a page for people, in Markdown: every rule a sentence, every word of the vocabulary explained.

`docs/reference/policy-rules.md` is written from it by `hub policy show --markdown`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from hub.consent.compile import Policy
from hub.consent.obligations import OBLIGATIONS, in_words
from hub.consent.parties import not_among
from hub.consent.rules import Rule
from hub.consent.sentences import Sentence, class_in_words, gateway_of, sentence_of
from hub.consent.vocabulary import BASES, CAVEATS, FACTS
from hub.messages.envelope import InformationClass

GATES = "Gates"
EVERYWHERE = "Every class"

_INTRODUCTION = """\
# The rules on who may know what

Every rule in a sentence, as `hub/consent/policy/*.yaml` states it. Made by
`python3 -m hub policy show --markdown`.

What no rule permits is withheld. Of several permits the one that lets most through counts, on the narrowest
legal basis open; then every rule that holds back takes from it, whatever permits it. What is not known never
lets a permit hold, and always lets a rule that holds back hold. A gate that closes, or may, lets nothing of
the message out.
"""


def sections(policy: Policy) -> Mapping[str, tuple[Rule, ...]]:
    """Return the rules as people look for them: gates, those of several classes, then class by class."""
    several = dict.fromkeys(
        rule for rules in policy.rules.values() for rule in rules if rule.information_class is None
    )
    own = {
        str(name): tuple(rule for rule in rules if rule.information_class is not None)
        for name, rules in policy.rules.items()
    }
    return {GATES: policy.gates, EVERYWHERE: tuple(several), **own}


def sentences(policy: Policy) -> Mapping[str, Sentence]:
    """Say every rule, by its id."""
    classes: dict[str, list[InformationClass]] = {}
    for name, rules in policy.rules.items():
        for rule in rules:
            classes.setdefault(rule.rule, []).append(name)
    return {
        rule.rule: sentence_of(rule, classes.get(rule.rule, ()))
        for rules in sections(policy).values()
        for rule in rules
    }


def rule_named(policy: Policy, rule_id: str) -> Rule:
    """Find a rule by its id; WrongArgument names the one probably meant."""
    every = {rule.rule: rule for rules in sections(policy).values() for rule in rules}
    if rule_id not in every:
        raise not_among("RULE", rule_id, "rule", every, fix="`python3 -m hub policy show` lists them")
    return every[rule_id]


def reference(policy: Policy) -> str:
    """Return the page that says every rule, in Markdown."""
    said = sentences(policy)
    lines = [_INTRODUCTION]
    for title, rules in sections(policy).items():
        lines += [f"## {class_in_words(title).capitalize()}", "", *_about(policy, title)]
        lines += [line for rule in rules for line in _item(rule, said[rule.rule])]
        lines.append("")
    return "\n".join((*lines, *_vocabulary()))


def _about(policy: Policy, title: str) -> Iterator[str]:
    """Yield what a file says of itself, who answers for it, and when it is to be looked at again."""
    if title == EVERYWHERE:
        return
    body = policy.documents.get("gates" if title == GATES else title)
    if isinstance(body, Mapping):
        yield f"{' '.join(str(body.get('about', '')).split())}"
        yield f"Owner: {body.get('owner', '')}. To be reviewed by {body.get('review_by', '')}."
        yield ""


def _item(rule: Rule, said: Sentence) -> Iterator[str]:
    """Yield one rule as an item of a list."""
    told = f" The recipient may read: “{rule.tells}”" if rule.tells else ""
    yield f"- `{rule.rule}` ({rule.reason}). {said.text}{told}"


def _vocabulary() -> Iterator[str]:
    """Yield the words rules are made of."""
    yield "## Legal bases"
    yield ""
    yield "Narrowest first. A permit holds on a basis only where its gateway is open."
    yield ""
    yield "| code | what it is | open where | brings with it |"
    yield "|---|---|---|---|"
    for basis in BASES:
        brings = "; ".join(map(in_words, basis.brings))
        yield f"| `{basis.code}` | {basis.says} | {gateway_of(basis.code)} | {brings} |"
    yield ""
    yield "## Handling"
    yield ""
    yield "| in a rule | what it means |"
    yield "|---|---|"
    for code, says in CAVEATS.items():
        yield f"| `{code}` | {says} |"
    for word, kind in OBLIGATIONS.items():
        yield f"| `{word}` | {kind.says.format('so many hours' if kind.unit == 'h' else 'so many days')} |"
    yield ""
    yield "What comes with an obligation that cannot be performed is withheld (`OBL-UNSUPPORTED`)."
    yield ""
    yield "## Facts"
    yield ""
    yield "| fact | what it says | values |"
    yield "|---|---|---|"
    for fact in FACTS.values():
        values = ", ".join("yes" if v is True else "no" if v is False else str(v) for v in fact.domain)
        yield f"| `{fact.name}` | {fact.says} | {values}{', not known' if fact.may_be_unknown else ''} |"
    yield ""
