"""Every rule that a check of contracts can name: its id, what it asks for and why, what follows from it.

`docs/reference/contract-rules.md` is written from this table.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from hub.topics.findings import Weight


@dataclass(frozen=True, slots=True)
class Rule:
    """What a rule asks for and why, in one sentence, and the weights its findings can have."""

    says: str
    weights: tuple[Weight, ...] = (Weight.REFUSED,)


_R, _S, _W = Weight.REFUSED, Weight.SIGN_OFF, Weight.WARNING

LINT_RULES: Mapping[str, Rule] = {
    "MESSAGE-MISSING": Rule("Every message the hub knows has a contract, or nobody could send it."),
    "NOT-LISTED": Rule("Every schema file is in the manifest, or it takes no part in anything."),
    "NOT-UNIQUE": Rule("No two contracts share an id or a file, or a record could be read as the wrong one."),
    "NOT-READABLE": Rule("A schema is Avro and of the hub's subset of it, or nothing can be made from it."),
    "DIGEST": Rule("A file is what the manifest says it is, so that nobody edits what partners rely on."),
    "NAMESPACE": Rule(
        "The namespace names message and major version, so that code made from it is told apart."
    ),
    "NAME": Rule("Fields are named like_this and types LikeThis, so that names read alike everywhere."),
    "ASCII": Rule("Names have letters of ASCII only, because letters that look alike could be two names."),
    "DOC": Rule("Every record and field says what it means, because whoever fills it in must know."),
    "PROPERTY": Rule("Every property is one the hub knows, because a misspelt one would guard nothing."),
    "CLASS": Rule("Every field has one of the ten information classes, because the rules speak of classes."),
    "SUBJECT": Rule(
        "Every field says whose data it is, because victims, witnesses and family have rules too."
    ),
    "SENSITIVE": Rule("Every field says whether it is sensitive, and health is (DPA 2018 s.35(8))."),
    "STATEMENT": Rule("Every field is fact or assessment, because opinions must be told apart (s.38(2))."),
    "KEY": Rule("A key cannot be null, because a record means nothing without it."),
    "NULLABLE": Rule("All but keys can be null and are by default, because each may have to be withheld."),
    "PAIRWISE": Rule(
        "A reference made for each recipient is text on the first level, or the hub could not replace it."
    ),
    "BOUND": Rule("Text, lists, maps and numbers end somewhere, because what has no end can flood a reader."),
    "PATTERN": Rule(
        "A pattern is anchored at both ends, because otherwise it takes anything around a match."
    ),
    "SYMBOLS": Rule("Symbols are words, each once, because they become names in code."),
    "DEFAULT": Rule("An enum's default is its first symbol: what is unknown must not read as harmless."),
    "DEFAULT-SYMBOL": Rule("A field's default for a choice is one of its symbols, or reading fails."),
    "UNION-DEFAULT": Rule("A default is of a union's first type, because older readers insist on it."),
    "UNION-RECORDS": Rule("A union holds one record at most, because writers tell two apart by shape alone."),
    "DECIMAL": Rule("A decimal states precision and scale, because its bytes are a bare number without."),
    "DEPTH": Rule("Records lie at most three levels deep; more has not been needed and is harder to read."),
    "RECURSION": Rule("No record lies in itself, because no reader could bound what it is sent."),
    "OWN": Rule(
        "What says to whom a record belongs is a field of it, because whose it is decides who gets it."
    ),
    "GENERAL": Rule(
        "An exact field and its general form stand side by side and fit, or nothing could fill it."
    ),
    "PARITY": Rule(
        "Contract, model and body at the door say the same, or a field would be lost between them."
    ),
    "EXAMPLE": Rule("Every message has an example the door takes, because that is what senders copy."),
}
"""What one version of a contract must keep by itself."""

CLASS_RULES: Mapping[str, Rule] = {
    "CLASS-LOOSER": Rule(
        "A field's class must not become one by which more of it, or of such fields, goes to somebody.",
        (_R, _S),
    ),
    "CLASS-LOST": Rule("A field keeps a class, because no rule holds back what has none."),
    "CLASS-MISSING": Rule("A new field has a class, because nobody could say who may know it."),
    "CLASS-UNKNOWN": Rule("A class is one of the ten, because no rule speaks of another."),
    "CLASS-NOT-COMPARABLE": Rule(
        "A class became one that opens some cells of the matrix and closes others, or none; people decide.",
        (_S,),
    ),
    "CLASS-STRICTER": Rule(
        "A class became stricter: partners that get the field today may no longer.", (_W,)
    ),
    "CLASS-RELABELLED": Rule(
        "A field is dropped and one of its type appears under a class not stricter: people say what it is.",
        (_S,),
    ),
    "CAST-MARKS": Rule("A step keeps what protects a field besides its class: pairwise, own and key."),
    "CAST-COUNT": Rule(
        "A step takes no list to a version that has room for fewer items, or it would not arrive."
    ),
    "CAST-LOOSER": Rule(
        "A step between versions moves nothing to a field by which more of it goes to somebody."
    ),
    "NAME-LOOSER": Rule(
        "A field's new name must not be one that rules open, because rules may speak of names.", (_R, _S)
    ),
    "SENSITIVE-LOST": Rule("What is sensitive stays so, because rules for ordinary data would let it out."),
    "SENSITIVE-GAINED": Rule(
        "A field became sensitive: partners may no longer get it; where that opens it, people decide.",
        (_W, _S),
    ),
    "SUBJECT-CHANGED": Rule(
        "Whose data a field is stays, because rules depend on it; where that opens nothing, people decide.",
        (_R, _S),
    ),
    "PARENT-LOOSER": Rule(
        "A field around others is not of a looser class than theirs, because readers would be misled.", (_W,)
    ),
    "PAIRWISE-LOST": Rule(
        "A reference made for each recipient stays so, or partners could join their records on it."
    ),
    "PAIRWISE-GAINED": Rule(
        "A reference is made for each recipient from now on: those partners hold are found no more.", (_W,)
    ),
    "KEY-CHANGED": Rule(
        "A key stays a key, because a record is held back with it; a new key holds back more.", (_R, _W)
    ),
    "OWN-CHANGED": Rule(
        "What says to whom list items belong stays, or items would go to others as their own.", (_R, _S)
    ),
    "GENERAL-CHANGED": Rule(
        "What is a general form, of what and how made, stays, because it goes where the exact may not.",
        (_R, _S, _W),
    ),
}
"""What a new version may not let out that the one before did not: the class gate."""

SEMANTIC_RULES: Mapping[str, Rule] = {
    "SCALE-CHANGED": Rule("A decimal's scale stays, or the same bytes are a number a power of ten away."),
    "PRECISION-NARROWED": Rule("A decimal keeps its digits, or stored numbers no longer fit."),
    "PRECISION-WIDENED": Rule("A decimal has more digits than receivers of older versions expect.", (_W,)),
    "LOGICAL-TYPE-CHANGED": Rule("A logical type stays, or the same bytes are read as another value."),
    "UNIT-CHANGED": Rule(
        "A unit stays, or the same number is another amount; one stated for the first time is signed off.",
        (_R, _S),
    ),
    "NAMESPACE-CHANGED": Rule(
        "A namespace stays, because it names message and major version; an alias makes it a warning.",
        (_R, _W),
    ),
    "NAME-CHANGED": Rule(
        "A type keeps its name, because partners' code is made from it; an alias makes it a warning.",
        (_R, _W),
    ),
    "DEFAULT-CHANGED": Rule(
        "A field's default stays, because records that say nothing read as it; a first one is a warning.",
        (_R, _W),
    ),
    "ENUM-DEFAULT": Rule(
        "A new choice's default is its first symbol: the unknown must not read as harmless."
    ),
    "ENUM-DEFAULT-CHANGED": Rule(
        "A choice keeps its default; a new and still more cautious first symbol is signed off.", (_R, _S)
    ),
    "SYMBOL-RETIRED": Rule(
        "A symbol stays, because records with it would read as the default; if that is cautious, a warning.",
        (_R, _W),
    ),
    "SYMBOL-REORDERED-FIRST": Rule(
        "The most cautious symbol stays first; a new one there is signed off; without defaults, a warning.",
        (_R, _S, _W),
    ),
    "BOUND-NARROWED": Rule(
        "A bound lets no less through, or what is stored and old senders send is refused."
    ),
    "BOUND-WIDENED": Rule(
        "A bound lets more through than receivers of older versions were built for; of items, which the "
        "guard counts, it is refused.",
        (_R, _W),
    ),
    "STATEMENT-CHANGED": Rule(
        "An opinion never becomes a fact (DPA 2018 s.38(2)); that a fact was an opinion is signed off.",
        (_R, _S),
    ),
    "DOC-CHANGED": Rule("A field is described in other words, which must mean the same.", (_W,)),
    "TYPE-WIDENED-SILENTLY": Rule(
        "A whole number read as a floating one loses its last digits, which Avro does not say.", (_W,)
    ),
    "NAME-REUSED": Rule(
        "A name once dropped is kept for what it meant, because its readers would take the new one for it.",
        (_R, _S),
    ),
}
"""What a new version may not mean that the one before did not: the semantic gate."""

COMPATIBILITY_RULES: Mapping[str, Rule] = {
    "TYPE-MISMATCH": Rule("A reader's type can be read from what the writer wrote, or reading fails."),
    "NAME-MISMATCH": Rule("Types that meet have one name or an alias for it, or Avro takes them for two."),
    "FIXED-SIZE": Rule("Fixed bytes keep their number, because nothing in the record says it."),
    "SYMBOL-MISSING": Rule("A reader knows every symbol or has a default for those it does not."),
    "FIELD-NO-DEFAULT": Rule("A field the writer lacks has a default, or the reader has nothing to give."),
    "UNION-BRANCH-MISSING": Rule("A reader's union has a type for whatever the writer chose."),
    "ALIAS-AMBIGUOUS": Rule("Names and aliases lead to one field of the writer, or two are meant."),
}
"""What Avro itself asks for so that versions can read one another."""

SIGNING_RULES: Mapping[str, Rule] = {
    "SIGN-OFF-MALFORMED": Rule(
        "A sign-off says rule, place, change, who, when and why, or nobody answers for it."
    ),
    "SIGN-OFF-NEEDLESS": Rule(
        "A sign-off releases the change it names; one that releases nothing may be meant otherwise.", (_W,)
    ),
}
"""What a sign-off in the manifest must say."""

HISTORY_RULES: Mapping[str, Rule] = {
    "RELEASED-EDITED": Rule("A released version is never edited, because partners and the log rely on it."),
    "RELEASED-GONE": Rule("A released version stays, because records written in it must be read."),
    "RELEASED-MOVED": Rule("A released schema keeps its id and kind, or its records would be misread."),
    "CONTRACT-EDITED": Rule(
        "What a contract in effect lets through never changes: that is another contract."
    ),
    "VERSIONS-APART": Rule("Every version leads to its neighbours, or a message could not be cast to them."),
    "RETIRED-FIRST": Rule("Older versions retire first, because contracts speak of the newest they cover."),
    "STATUS-BACK": Rule("A status goes on, never back, because others have acted on it."),
}
"""What a change may not do to versions that were there before it."""

PARTNER_RULES: Mapping[str, Rule] = {
    "VIEW": Rule(
        "A view leaves out fields and nothing else, or its records would not be those of the contract."
    ),
    "RANGE-EMPTY": Rule("A contract with a partner is of some schema version there is."),
    "APPROVALS": Rule(
        "Two people have approved a contract, one of each side, so that somebody stands for it."
    ),
    "ALTERNATIVE": Rule("A contract that ends says which follows, or the partner would be left without."),
    "REGISTRY-ID": Rule("An id an outside registry gave is none of the hub's own, or two schemas share it."),
    "CEILING": Rule(
        "A view has nothing that no state of the rules lets go, because it would be a promise broken."
    ),
    "EXPECTATION": Rule("What the partner relies on is in the view, and it knows every symbol it may meet."),
    "GOLDEN": Rule("Golden records come out as agreed, and those of older versions are still read."),
    "CANARY": Rule("Of a record full of marked values only those of the view come through."),
    "CUT": Rule("A cut record is byte for byte what the view's own schema writes."),
    "UNDECLARED": Rule("A field the view does not declare cannot be written."),
}
"""What a contract with a partner must hold."""

REGISTRY_RULES: Mapping[str, Rule] = {
    "REGISTRY-LACKS": Rule("A registry has every schema of the hub, or its readers could read no record."),
    "REGISTRY-DIFFERENT": Rule(
        "A registry has a version as the hub has it, or its readers would read something else."
    ),
    "REGISTRY-OTHER-ID": Rule(
        "A registry has a schema under the id of the hub's records, or its readers would not find it."
    ),
    "REGISTRY-BESIDES": Rule(
        "A registry has no version that the hub does not know, because nobody has checked what it says."
    ),
}
"""What a schema registry must have, where one is compared with the hub."""

GROUPS: Mapping[str, Mapping[str, Rule]] = {
    "Each version by itself": LINT_RULES,
    "Who may know: the class gate": CLASS_RULES,
    "What is meant: the semantic gate": SEMANTIC_RULES,
    "Whether versions can read one another": COMPATIBILITY_RULES,
    "Sign-offs": SIGNING_RULES,
    "Versions that were there before": HISTORY_RULES,
    "Contracts with partners": PARTNER_RULES,
    "Schema registries": REGISTRY_RULES,
}
"""The rules by what they are about, in the order of the page."""

RULES: Mapping[str, Rule] = {rule: told for group in GROUPS.values() for rule, told in group.items()}
"""Every rule by its id."""

_INTRODUCTION = """# Rules for contracts

What a check of contracts can find, by the id it prints. Refused: the change may not be released as it is.
Sign-off: it may when somebody who answers for the rules has signed it off by name, in `signed_off` of the
new version's entry in the manifest. Warning: it may be released, and whoever does should know. "Looser" is
read off the disclosure matrix (`python3 -m hub policy matrix`): some cell would be more open. This page is
written from `hub/topics/gates/rules.py`.

A sign-off names what was signed, so that it covers no change made after it. `rule`, `where` (there `path`),
`old` and `new` are those that the check prints with `--json`, in quotation marks; where there is nothing, as
for something new, `""`:

```yaml
    signed_off:
      - rule: CLASS-LOOSER
        where: concern
        old: "risk"
        new: "progress"
        by: "Jo Example, Head of Offender Management"
        date: 2026-11-26
        why: It was never about harm.
```

A sign-off counts for one change: what differs from two earlier versions in two ways is signed for twice.
"""


def reference() -> str:
    """Return the page that lists every rule, in Markdown."""
    parts = [_INTRODUCTION]
    for title, group in GROUPS.items():
        rows = [f"| `{rule}` | {told.says} | {', '.join(told.weights)} |" for rule, told in group.items()]
        parts.append(
            "\n".join((f"## {title}", "", "| rule | what and why | weight |", "|---|---|---|", *rows, ""))
        )
    return "\n".join(parts)
