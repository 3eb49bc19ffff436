"""Compiles the policy documents into a policy in force, or refuses them.

A policy with a word outside the vocabulary, or that breaks an invariant in any state there can be, is never
returned: `PolicyRefused` says what is wrong in the words of the field (R-DIS-06).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from hub.consent.decision import FieldSpec, Outcome, Scope
from hub.consent.generate import Compiled
from hub.consent.overriding import Authority
from hub.consent.prove import Proof, prove_rules
from hub.consent.reader import Documents, read_documents
from hub.consent.rules import Rule, names_field
from hub.consent.vocabulary import DEFAULT_REASONS, Value
from hub.errors import PolicyRefused
from hub.messages.envelope import InformationClass, MessageName, Subject

POLICIES_REMEMBERED = 8
"""Compiled policies kept: the one in force, and those a replay or a comparison needs beside it."""
RuleKey = tuple[MessageName, InformationClass, Subject, bool, str]
"""What of a field selects the rules that speak of it: message, class, subject, sensitive, path."""

Line = tuple[FieldSpec, tuple[tuple[InformationClass, tuple[Rule, ...]], ...], tuple[Scope, ...]]
"""One field of a contract: its spec, the rules of each class that holds it, the scopes it is decided for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """The need-to-know rules in force: compiled, proved, named by version and digest."""

    version: str
    digest: str
    """SHA-256 of the documents as canonical JSON."""
    documents: Mapping[str, object]
    gates: tuple[Rule, ...]
    rules: Mapping[InformationClass, tuple[Rule, ...]]
    """The rules of each class, those for every class among them."""
    keys_inform: frozenset[MessageName]
    """Messages whose keys say something even where nothing else is disclosed."""
    proof: Proof
    authorities: tuple[Authority, ...]
    """Who may open what beyond the rules, for whom and for how long."""
    accepts: Mapping[str, str]
    """Findings the owners of the rules accept, by name, and why."""
    reasons: Mapping[str, tuple[str, str]]
    """Each reason code: words for staff, words the recipient may read (may be empty)."""
    plans: dict[tuple[MessageName, int], tuple[tuple[FieldSpec, ...], object]] = field(
        default_factory=dict, compare=False, repr=False
    )
    """How each message is decided (hub.consent.plan), by its contract's fields (by identity)."""
    compiled: dict[int, Compiled] = field(default_factory=dict, compare=False, repr=False)
    """Selections of rules as Python, by identity of what `rules_for` returns."""
    selected: dict[RuleKey, tuple[Rule, ...]] = field(default_factory=dict, compare=False, repr=False)
    interned: dict[tuple[str, ...], tuple[Rule, ...]] = field(default_factory=dict, compare=False, repr=False)
    """The same selection is the same object, so that a decision evaluates it once."""
    compared: dict[tuple[tuple[str, ...], tuple[str, ...]], Mapping[str, tuple[Value, ...]] | None] = field(
        default_factory=dict, compare=False, repr=False
    )
    """By the rules of two fields, a state in which more goes by the second; worked out when it is asked."""
    evaluated: dict[tuple[tuple[str, ...], tuple[Scope, ...]], tuple[Outcome, ...]] = field(
        default_factory=dict, compare=False, repr=False
    )
    """Outcomes of a selection, by the ids of its rules, in every spot that hub.consent.looseness looks at."""

    name: str = field(init=False, compare=False)
    """Version and hash as decisions and the ledger carry them."""

    def __post_init__(self) -> None:
        """Name the policy once: every decision says it."""
        object.__setattr__(self, "name", f"{self.version}:{self.digest[:12]}")

    def rules_for(self, key: RuleKey) -> tuple[Rule, ...]:
        """Return the rules that speak of a field like this, whatever the recipient."""
        found = self.selected.get(key)
        if found is None:
            rules = tuple(rule for rule in self.rules.get(key[1], ()) if speaks_of(rule, key))
            found = self.interned.setdefault(tuple(rule.rule for rule in rules), rules)
            self.selected[key] = found
        return found


def speaks_of(rule: Rule, key: RuleKey) -> bool:
    """Tell whether a rule speaks of this kind of field of this message."""
    message, _, subject, sensitive, path = key
    return (
        (rule.messages is None or message in rule.messages)
        and (rule.subjects is None or subject in rule.subjects)
        and (rule.sensitive is None or rule.sensitive == sensitive)
        and (rule.fields is None or any(names_field(entry, path) for entry in rule.fields))
    )


def canonical(documents: Mapping[str, object]) -> bytes:
    """Write the documents as canonical JSON, the form their digest is taken of."""
    text = json.dumps(documents, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return text.encode()


def compile_policy(documents: Mapping[str, object], *, version: str) -> Policy:
    """Compile and prove the policy; raises PolicyRefused with every fault, or with a counterexample."""
    try:
        text = canonical(documents)
    except (TypeError, ValueError) as error:
        message = "the policy documents must hold texts, numbers, lists and mappings only"
        raise PolicyRefused(message, fix="write dates in quotation marks") from error
    return _compiled(text, version)


@lru_cache(maxsize=POLICIES_REMEMBERED)
def _compiled(text: bytes, version: str) -> Policy:
    """Compile a policy once, however many partitions put it in force."""
    documents = json.loads(text)
    digest = hashlib.sha256(text).hexdigest()
    read, rules = read_rules(documents)
    proof = prove_rules(tuple(read.gates), rules)
    if proof.violations:
        _refuse(
            [violation.sentence for violation in proof.violations],
            "restore the guard or narrow the permit; nothing was put in force",
        )
    return Policy(
        version=version,
        digest=digest,
        documents=documents,
        gates=tuple(read.gates),
        rules=rules,
        keys_inform=read.keys_inform,
        proof=proof,
        authorities=tuple(read.authorities),
        accepts=read.accepts,
        reasons=_reasons((*read.gates, *(rule for own in rules.values() for rule in own))),
    )


def read_rules(
    documents: Mapping[str, object],
) -> tuple[Documents, Mapping[InformationClass, tuple[Rule, ...]]]:
    """Read the documents, and the rules of each class with those for every class; proves nothing.

    Raises PolicyRefused with every fault.
    """
    read = read_documents(documents)
    if read.faults:
        _refuse(read.faults, "mend the named rules; nothing was put in force")
    return read, {
        name: (*(rule for rule, classes in read.everywhere if name in classes), *own)
        for name, own in read.classes.items()
    }


def _reasons(rules: Sequence[Rule]) -> Mapping[str, tuple[str, str]]:
    """Gather the words of each reason code; a rule's own words come before the engine's."""
    found = dict(DEFAULT_REASONS)
    for rule in rules:
        found[rule.reason] = (rule.says, rule.tells)
    return found


def _refuse(faults: Sequence[str], fix: str) -> None:
    """Refuse the policy, one line per fault."""
    raise PolicyRefused("the policy is refused:\n" + "\n".join(f"- {fault}" for fault in faults), fix=fix)
