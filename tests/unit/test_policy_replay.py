"""Past decisions decided again from their facts: the same rules change nothing, others what they would."""

from __future__ import annotations

import json
from dataclasses import replace
from random import Random
from typing import TYPE_CHECKING

import pytest

from hub.cases.case import Case, ConsentState, RestrictionKind, Rosh
from hub.consent.compile import Policy, compile_policy
from hub.consent.decide import decide
from hub.consent.decision import Candidate, Concern, Decision, FieldSpec, Outcome
from hub.consent.parties import Protocol, Purpose, Standing
from hub.consent.partner_contracts import Direction, PartnerContract
from hub.consent.replay import Replay
from hub.consent.replay_report import Past, Report
from hub.messages.envelope import Envelope, InformationClass, MessageName, Role, Statement
from hub.messages.identifiers import Instant, MessageId
from hub.topics.plain import to_plain
from tests.unit import consent_cases as cases
from tests.unit import released as made

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

pytestmark = pytest.mark.requirement("R-DIS-08")
POLICY = cases.POLICY
CHANGED = compile_policy(
    made.rules(
        identity__provider_purchased={"when": {"role": "key_worker", "engaged": True, "rung": [1, 2, 3]}},
        progress__team={"reason": "NEED-OTHERWISE"},
    ),
    version="2.0.0",
)
TELLING = "A telling text about somebody"
SHARE = 0.3


class Question:
    """A random question, that can be put to any policy."""

    def __init__(self, seed: int) -> None:
        """Invent a message, a candidate and a case."""
        self.chance = chance = Random(seed)  # noqa: S311 - a test, not a secret
        self.message = chance.choice([name for name in MessageName if name is not MessageName.EXCEPTION])
        self.specs = cases.LIBRARY.fields(self.message, "1.0")
        self.name = chance.choice([cases.REGION, cases.PRISON, *cases.PARTNERS])
        self.party = cases.organisation(
            self.name,
            standing=chance.choice([Standing.ACTIVE] * 9 + [Standing.SUSPENDED]),
            purposes=frozenset(chance.sample(list(Purpose), len(Purpose) - chance.choice([0, 0, 0, 3]))),
            protocols=self._protocols(),
        )
        self.candidate = Candidate(
            organisation=self.name,
            role=chance.choice(list(Role)),
            persons=frozenset(),
            concern=chance.choice(list(Concern)),
            relevant=chance.choice([True, False, None]),
        )
        self.case = self._case()
        self.about = chance.choice([None, "ref-partner-2", "ref-partner-3"])
        self.envelope = Envelope(
            message_id=MessageId(f"{seed:032x}"),
            message=self.message,
            contract="1.0",
            case=self.case.ref,
            organisation=chance.choice([cases.SOMEBODY_ELSE, cases.RUNG_1]),
            author="st-9",
            author_role=chance.choice([Role.KEY_WORKER, Role.OFFENDER_MANAGER]),
            statement=chance.choice(list(Statement)),
            occurred_at=cases.NOW,
            recorded_at=cases.NOW,
            correlation="d" * 32,
            causation=None,
            digest="",
        )

    def put(
        self,
        policy: Policy,
        *,
        payload: Mapping[str, object] | None = None,
        contract: PartnerContract | None = None,
        declared: Mapping[str, InformationClass] | None = None,
    ) -> Decision:
        """Decide by these rules."""
        return decide(
            policy,
            envelope=replace(self.envelope, declared=declared or {}),
            specs=self.specs,
            case=self.case,
            organisation=self.party,
            candidate=self.candidate,
            now=cases.NOW,
            about=self.about,
            payload=payload,
            contract=contract,
        )

    def payload(self) -> dict[str, object]:
        """Return a message of plain texts, some of which name others."""
        names = [s.path for s in self.specs if not {".", "["} & set(s.path) and not s.is_general]
        found: dict[str, object] = {}
        for name in names:
            text = f"{TELLING} {name}"
            if self.chance.random() < SHARE:
                text = f"Said of {TELLING} {self.chance.choice(names)} only"
            found[name] = None if self.chance.random() < SHARE else text
        return found

    def contract(self) -> PartnerContract:
        """Return a contract whose view leaves some fields out."""
        view = frozenset(spec.path for spec in self.specs if spec.key or self.chance.random() > SHARE)
        return PartnerContract(
            partner=self.name,
            message=self.message,
            number=1,
            direction=Direction.RECEIVES,
            oldest="1.0",
            newest="1.0",
            purposes=frozenset(Purpose),
            view=view,
            effective=Instant(0),
            deprecated=None,
            sunset=None,
            removal=None,
            alternative=None,
            ids={},
        )

    def _protocols(self) -> tuple[Protocol, ...]:
        if self.chance.random() > SHARE:
            return ()
        classes = frozenset(self.chance.sample(list(InformationClass), 3))
        return (Protocol(name="p", classes=classes, since=cases.BEFORE, until=None),)

    def _case(self) -> Case:
        chance = self.chance
        consents = [
            cases.consent(*chance.sample(list(InformationClass), 4), state=chance.choice(list(ConsentState)))
            for _ in range(chance.choice([0, 0, 1, 2]))
        ]
        restrictions = [
            cases.restriction(chance.choice(list(RestrictionKind)))
            for _ in range(chance.choice([0, 0, 0, 1]))
        ]
        return replace(
            cases.CASE,
            tier=chance.choice([None, 1, 2, 3, 4]),
            rosh=chance.choice([None, *Rosh]),
            team=tuple(chance.sample(cases.TEAM, chance.randrange(len(cases.TEAM) + 1))),
            consents=tuple(consents),
            restrictions=tuple(restrictions),
        )


def past(decision: Decision, **changes: object) -> Past:
    """Return a decision as it comes back from the ledger."""
    assert decision.message_name is not None
    assert decision.contract is not None
    found = Past(
        decision_id=decision.decision_id,
        organisation=decision.candidate.organisation,
        role=decision.candidate.role.value,
        message=decision.message_name,
        contract=decision.contract,
        policy=decision.policy,
        delivers=decision.delivers,
        gate=decision.gate,
        fields=decision.fields,
        facts=json.loads(json.dumps(to_plain(decision.facts))),
    )
    return replace(found, **changes)  # type: ignore[arg-type]


def specs_of(message: MessageName, version: str) -> tuple[FieldSpec, ...] | None:
    """Return the fields of a contract there is."""
    return cases.LIBRARY.fields(message, version) if version == "1.0" else None


def replayed(candidate: Policy, decisions: Iterable[Past], *known: Policy) -> Report:
    """Decide them all again."""
    rules = {policy.name: policy for policy in known}
    replay = Replay(candidate, specs_of=specs_of, policy_of=rules.get)
    for each in decisions:
        replay.add(each)
    return replay.report


def test_the_rules_in_force_change_nothing_of_what_they_decided() -> None:
    """Two thousand random decisions by rules and facts alone: each field comes out as recorded, and why."""
    report = replayed(POLICY, (past(Question(seed).put(POLICY)) for seed in range(2_000)))
    assert report.decisions == 2_000
    assert report.fields > 20_000
    assert not report.differs
    assert (report.kept, report.rules_unknown, report.skipped) == ({}, 0, {})


@pytest.mark.parametrize("known", [(POLICY,), ()])
def test_what_texts_contracts_and_authors_took_away_stays_away_and_is_counted(
    known: tuple[Policy, ...],
) -> None:
    """A replay cannot see the message; nothing is taken for a change of rules that was none."""
    decided = []
    for seed in range(600):
        question = Question(seed)
        contract = question.contract() if seed % 2 else None
        decided.append(past(question.put(POLICY, payload=question.payload(), contract=contract)))
    report = replayed(POLICY, decided)
    assert not report.differs
    assert set(report.kept) == {"GUARD-NAMED-IN-TEXT", "CONTRACT-VIEW"}
    under_another_name = compile_policy(made.rules(), version="9.9.9")
    report = replayed(under_another_name, decided, *known)
    assert not report.differs
    assert set(report.kept) == {"GUARD-NAMED-IN-TEXT", "CONTRACT-VIEW"}
    assert report.rules_unknown == (0 if known else 600)


def test_a_class_its_author_declared_is_noticed_by_the_rules_of_the_time() -> None:
    """The ledger does not say that one was; what was held back by it stays so."""
    decided = []
    for seed in range(400):
        question = Question(seed)
        declared = {spec.path: InformationClass.INTELLIGENCE for spec in question.specs[:6] if not spec.key}
        decided.append(past(question.put(POLICY, declared=declared)))
    report = replayed(POLICY, decided)
    assert report.differences == {}
    assert len(report.kept) == 1
    assert "declared" in next(iter(report.kept))


@pytest.mark.parametrize("seed", range(4))
def test_a_replay_shows_what_the_other_rules_would_have_decided(seed: int) -> None:
    """Held against the decision itself, made by the other rules on the same question."""
    for number in range(seed * 150, seed * 150 + 150):
        question = Question(number)
        then, now = question.put(POLICY), question.put(CHANGED)
        report = replayed(CHANGED, [past(then)], POLICY)
        wanted = {
            (path, scope, outcome.name.lower(), after[path, scope].name.lower())
            for (before, after) in [(_effective(then), _effective(now))]
            for (path, scope), outcome in before.items()
            if after[path, scope] is not outcome
        }
        assert {(row.path, row.scope, row.then, row.now) for row in report.differences} == wanted
        assert bool(report.deliveries) == (then.gate != now.gate)


def _effective(decision: Decision) -> dict[tuple[str, str], Outcome]:
    """Return what goes of each field that either policy may speak of."""
    specs = cases.LIBRARY.fields(decision.message_name or MessageName.CASE, "1.0")
    places = {(item.path, item.scope.value) for item in decision.fields}
    places |= {
        (spec.path, scope) for spec in specs for scope in ("all", "theirs", "others") if spec.is_general
    }
    goes = {(item.path, item.scope.value): item.outcome for item in decision.fields if decision.delivers}
    return {place: goes.get(place, Outcome.WITHHOLD) for place in places}


def test_differences_are_told_by_recipient_message_and_field_with_examples() -> None:
    """So that a policy owner sees whom a change concerns; each is counted, some are named."""
    decided = [past(Question(seed).put(POLICY)) for seed in range(1_500)]
    report = replayed(CHANGED, decided, POLICY)
    assert report.wider > 0
    opened = {row for row in report.differences if row.path == "noms_number" and row.now == "disclose"}
    assert {(row.organisation, row.role, row.message) for row in opened} == {
        (cases.RUNG_3, "key_worker", "case"),
        (cases.RUNG_3, "key_worker", "referral"),
    }
    for row, tally in report.differences.items():
        assert 1 <= len(tally.examples) <= tally.count
        ids = {each.decision_id for each in decided if each.organisation == row.organisation}
        assert set(tally.examples) <= ids
    assert {row.now.split(" on ")[0] for row in report.grounds} == {"NEED-OTHERWISE"}


def test_what_was_parked_or_could_not_be_written_stays_so() -> None:
    """No change of rules brings a contract back."""
    delivered = next(d for d in (Question(seed).put(POLICY) for seed in range(400)) if d.delivers)
    for gate in ("CONTRACT-SUNSET", "GUARD-WRITE-FAILED"):
        report = replayed(CHANGED, [past(delivered, delivers=False, gate=gate)], POLICY)
        assert not report.differs


def test_decisions_that_cannot_be_made_again_are_counted_by_why() -> None:
    """Nothing is left out in silence."""
    decision = Question(1).put(POLICY)
    report = replayed(
        CHANGED,
        [
            past(decision, facts={}, gate="NO-POLICY"),
            past(decision, facts={}, gate=None),
            past(decision, contract="0.1"),
        ],
        POLICY,
    )
    assert report.skipped == {"NO-POLICY": 1, "no facts": 1, "contract no longer known": 1}
    assert report.decisions == 0


def test_a_record_more_open_than_its_rules_allowed_is_a_difference() -> None:
    """The replay of the rules in force is a check of the ledger: it can fail."""
    for seed in range(400):
        decision = Question(seed).put(POLICY)
        held = next((f for f in decision.fields if f.outcome is Outcome.WITHHOLD), None)
        if decision.delivers and held is not None:
            opened = tuple(replace(f, outcome=Outcome.DISCLOSE) if f is held else f for f in decision.fields)
            report = replayed(POLICY, [past(decision, fields=opened)])
            (row,) = report.differences
            assert (row.path, row.then, row.now) == (held.path, "disclose", "withhold")
            return
    raise AssertionError
