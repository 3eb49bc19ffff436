"""Explain, what-if and who-may-see held against every decision of the rehearsed day (R-DIS-08).

The day is played on the pure core; beside every record the router routes, the same questions are asked.
"""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field, replace

import pytest

import tests.unit.test_world_rehearsal as rehearsal
from hub.consent.compile import compile_policy
from hub.consent.decision import Concern, Decision, FieldDecision, Outcome
from hub.consent.explain import Step, explain
from hub.consent.parties import organisation_from
from hub.consent.why_not import why_not
from hub.demo.world import make_world
from hub.errors import WrongArgument
from hub.messages.envelope import Entry, InformationClass, MessageName, Statement, Submission
from hub.messages.identifiers import Instant
from hub.messages.read import BODIES
from hub.routing.asked_parties import NAMES, parties
from hub.routing.outcome import Result, View
from hub.routing.relevance import relevances
from hub.routing.route import route
from hub.routing.supposing import supposition
from hub.routing.whatif import WhatIf, what_if
from hub.routing.who_may_see import OTHERS_REFERRAL, Circumstance, decided_in, who_may_see
from hub.topics.contract_files import ContractFolder
from hub.topics.library import SchemaLibrary
from hub.topics.policy_files import read_policy

START = Instant(1_790_000_000_000)
AFTER_THE_RULES = {"GUARD-NAMED-IN-TEXT", "CONTRACT-VIEW"}


@dataclass
class Day:
    """The day as it was routed, and what was asked beside it."""

    tables: rehearsal.Tables
    routed: list[tuple[Entry, Result, WhatIf]] = field(default_factory=list)
    agreed: Counter[str] = field(default_factory=Counter)

    def route(self, entry: Entry, view: View, now: Instant) -> Result:
        """Route as the rehearsal would, and ask what if nothing were otherwise, and who may see."""
        asked = what_if(entry, view, now=now)
        result = route(entry, view, now)
        self.routed.append((entry, result, asked))
        return result


@pytest.fixture(scope="module")
def day() -> Day:
    """The whole day, once."""
    world = make_world(seed=1, start=START)
    bodies = [party.body(since=world.start) for party in world.parties]
    tables = rehearsal.Tables(
        contracts=SchemaLibrary.load(),
        rules=compile_policy(read_policy(), version="1.0.0"),
        parties={one.organisation: one for one in map(organisation_from, bodies)},
        agreed=tuple(each.terms for each in ContractFolder.load().files),
    )
    found = Day(tables=tables)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(rehearsal, "route", found.route)
        rehearsal.Rehearsal(world, tables).play()
    return found


def decisions(day: Day) -> list[tuple[Submission, Decision]]:
    """Return every decision with the message that caused it, its facts as the ledger gives them back."""
    return [
        (entry, replace(decision, facts=json.loads(json.dumps(dict(decision.facts)))))
        for entry, result, _ in day.routed
        for decision in result.decisions
        if isinstance(entry, Submission)
    ]


def declared(entry: Submission, decision: Decision) -> dict[str, InformationClass]:
    """Return what the author declared, where the decision is on the author's message."""
    own = entry.envelope.message_id == decision.message
    return dict(entry.envelope.declared) if own else {}


@pytest.mark.requirement("R-DIS-08")
def test_every_field_of_every_decision_of_the_day_is_explained_as_it_was_recorded(day: Day) -> None:
    """Outcome, reason, basis and rules follow from the rules and the named steps; nothing is left over."""
    steps: Counter[Step] = Counter()
    policy = day.tables.rules
    for entry, decision in decisions(day):
        assert decision.message_name is not None
        specs = day.tables.contracts.fields(decision.message_name, str(decision.contract))
        found = explain(policy, decision, specs, declared=declared(entry, decision))
        assert [recorded(each) for each in found.fields] == [recorded(each) for each in decision.fields]
        for each in found.fields:
            steps[each.step] += 1
            assert each.step is not Step.DIFFERS, (decision.message_name, each.path, each.note)
            assert each.rules or each.step is Step.GATE
            fired = {one.rule for one in each.rules if one.fired}
            by_rules = {rule for rule in each.decided_by if not rule.startswith("contract.")}
            assert by_rules <= fired | {one.rule for one in found.gates if one.fired}
        assert bool(found.closed_by) is not decision.delivers
    assert steps[Step.RULES] > 1_000
    assert steps[Step.GENERAL_FORM] > 0
    assert steps[Step.CONTRACT] > 0


@pytest.mark.requirement("R-DIS-08")
def test_a_record_that_the_rules_do_not_give_is_called_a_difference(day: Day) -> None:
    """A withheld field recorded as disclosed, and a fact changed after the event, are both found out."""
    decision = next(
        each
        for entry, each in decisions(day)
        if each.delivers and each.facts["role"] == "key_worker" and not declared(entry, each)
    )
    specs = day.tables.contracts.fields(MessageName(str(decision.message_name)), str(decision.contract))
    held = next(each for each in decision.fields if each.outcome is Outcome.WITHHOLD)
    forged = tuple(
        replace(each, outcome=Outcome.DISCLOSE) if each is held else each for each in decision.fields
    )
    found = explain(day.tables.rules, replace(decision, fields=forged), specs)
    assert [each.path for each in found.fields if each.step is Step.DIFFERS] == [held.path]
    assert not found.is_consistent
    tampered = replace(decision, facts={**decision.facts, "role": "offender_manager", "kind": "probation"})
    assert not explain(day.tables.rules, tampered, specs).is_consistent
    with pytest.raises(ValueError, match=r"was made by the rules 0\.9"):
        explain(day.tables.rules, replace(decision, policy="0.9:abc"), specs)


def recorded(each: object) -> tuple[object, ...]:
    """Return what the ledger and the explanation both say of a field."""
    names = ("path", "scope", "outcome", "reason", "basis", "alternates")
    return tuple(getattr(each, name) for name in names)


@pytest.mark.requirement("R-DIS-08")
def test_what_if_nothing_were_otherwise_is_what_the_router_did(day: Day) -> None:
    """The very decisions and deliveries, for every record of the day; and no difference is claimed."""
    for entry, result, asked in day.routed:
        assert asked.as_is == result
        assert asked.supposed == result, entry
        assert asked.differs == ()
    assert sum(len(result.decisions) for _, result, _ in day.routed) > 100


@pytest.mark.requirement("R-DIS-08")
def test_why_not_offers_changes_or_names_what_stands_in_the_way(day: Day) -> None:
    """For every withheld field of the day: sets of one size, or obstacles, never both, never neither."""
    answered: Counter[str] = Counter()
    for entry, decision in decisions(day):
        specs = day.tables.contracts.fields(MessageName(str(decision.message_name)), str(decision.contract))
        for each in decision.fields:
            if each.outcome is not Outcome.WITHHOLD or not decision.policy.startswith("1.0.0"):
                continue
            found = why_not(
                day.tables.rules,
                decision,
                specs,
                each.path,
                scope=each.scope,
                declared=declared(entry, decision),
            )
            assert bool(found.sets) != bool(found.obstacles), (decision.message_name, each.path)
            assert len({len(changes) for changes in found.sets}) <= 1
            answered["sets" if found.sets else "obstacles"] += 1
    assert answered["sets"] > 100
    assert answered["obstacles"] > 100


@pytest.mark.requirement("R-DIS-08")
def test_who_may_see_agrees_with_every_decision_of_the_day(day: Day) -> None:
    """In the circumstances of the message, each field has the outcome decided, on the same ground."""
    compared = 0
    for entry, result, _ in day.routed:
        if not isinstance(entry, Submission) or entry.envelope.declared:
            continue
        for decision in result.decisions:
            case = next(each for each in result.cases if each.ref == decision.case)
            if decision.message != entry.envelope.message_id or decision.case_version != case.version:
                continue
            assert decision.message_name is not None
            facts = decision.facts
            assert facts["relevant"] in relevances(BODIES[decision.message_name], decision.candidate.role)
            circumstance = circumstance_of(entry, decision)
            asked = decided_in(
                day.tables,
                case,
                decision.message_name,
                decision.candidate,
                circumstance=circumstance,
                now=decision.decided_at,
            )
            if {name: value for name, value in asked.facts.items() if value != facts[name]}:
                # Seen as of before the message, because it ended this party's part in the case.
                continue
            said = {(each.path, each.scope): each for each in asked.fields}
            for each in decision.fields:
                if each.reason not in AFTER_THE_RULES:
                    assert said[each.path, each.scope] == each, (decision.message_name, each)
                    compared += 1
    assert compared > 1_000


def circumstance_of(entry: Submission, decision: Decision) -> Circumstance:
    """Return what the message is, as who-may-see tells messages apart."""
    facts = decision.facts
    about = entry.payload.get("referral")
    if about is not None and facts["own_referral"] is False:
        about = OTHERS_REFERRAL
    relevant = facts["relevant"]
    assert relevant is None or isinstance(relevant, bool)
    return Circumstance(
        relevant=relevant,
        about=None if about is None else str(about),
        by_provider=facts["from_other_provider"] is True,
        statement=Statement(str(facts["statement"])),
    )


@pytest.mark.requirement("R-DIS-08")
def test_who_may_see_lists_each_party_once_for_each_circumstance(day: Day) -> None:
    """Every circumstance of every party is in exactly one row for a field and scope."""
    ref = next(iter(day.tables.cases))
    case = day.tables.cases[ref]
    now = day.routed[-1][0].envelope.recorded_at  # type: ignore[union-attr]
    found = who_may_see(day.tables, case, MessageName.PLAN, field="objectives[].title", now=now)
    assert found.sights
    rows: Counter[tuple[object, ...]] = Counter(
        (each.candidate.organisation, each.candidate.role, each.item.scope, one)
        for each in found.sights
        for one in each.circumstances
    )
    assert set(rows.values()) == {1}
    told = {each.candidate.organisation for each in found.sights}
    others = {each.organisation for each in found.other_parts}
    assert (told | others).isdisjoint(found.no_part)
    assert told | others | set(found.no_part) == set(day.tables.parties)


@pytest.mark.requirement("R-DIS-08")
def test_whoever_was_decided_on_was_a_party_or_was_named_by_the_message(day: Day) -> None:
    """Service managers and whoever attends to exceptions among them; nobody else had no part before it."""
    roles: Counter[tuple[str, str]] = Counter()
    for entry, result, _ in day.routed:
        assert isinstance(entry, Submission)
        before = _before(day, entry)
        for decision in result.decisions:
            candidate, message = decision.candidate, decision.message_name
            assert message is not None
            after = next(each for each in result.cases if each.ref == decision.case)
            cases = [after, *filter(None, [before.case(decision.case)])]
            told = {
                each.place
                for case in cases
                for each in parties(day.tables, case, message, entry.envelope.recorded_at)
            }
            if (candidate.organisation, candidate.role) not in told:
                assert message in NAMES, (message, candidate)
                assert candidate.concern is Concern.MOVED, (message, candidate)
            roles[message, candidate.role] += 1
    assert roles[MessageName.EVALUATION, "service_manager"] > 0
    assert len({message for message, _ in roles}) > len(MessageName) // 2


@pytest.mark.requirement("R-DIS-08")
def test_a_field_the_message_does_not_have_is_refused_with_those_it_has(day: Day) -> None:
    """A slip of the pen is no answer that nobody may see it."""
    case = next(iter(day.tables.cases.values()))
    meant = r"--field: .* objectives\.title; did you mean objectives\[\]\.title\?"
    with pytest.raises(WrongArgument, match=meant) as found:
        who_may_see(day.tables, case, MessageName.PLAN, field="objectives.title", now=START)
    assert "risk_management" in found.value.fix
    of = InformationClass.VICTIM
    with pytest.raises(WrongArgument, match="--class: exception has no field of the class victim") as found:
        who_may_see(day.tables, case, MessageName.EXCEPTION, information_class=of, now=START)
    assert "progress" in found.value.fix


@pytest.mark.requirement("R-DIS-08")
@pytest.mark.parametrize(
    "text",
    [
        "consent=health:given",
        "consent=health:none",
        "rosh=VERY_HIGH",
        "tier=4",
        "mappa=2/3",
        "mappa=none",
    ],
)
def test_a_supposition_changes_decisions_only_by_the_facts_it_is_about(day: Day, text: str) -> None:
    """Whatever differs is explained by the supposed facts; a decision with the same facts is the same."""
    fact = {"mappa": "mappa_level"}.get(text.partition("=")[0], text.partition("=")[0])
    touched = 0
    for entry, _, _ in day.routed:
        assert isinstance(entry, Submission)
        view = _before(day, entry)
        found = what_if(entry, view, [supposition(text)], now=entry.envelope.recorded_at)
        before = {(d.message, d.candidate.organisation, d.candidate.role): d for d in found.as_is.decisions}
        for after in found.supposed.decisions:
            same = before.get((after.message, after.candidate.organisation, after.candidate.role))
            if same is None:
                continue
            names = after.facts.keys() | same.facts.keys()
            differ = (name for name in names if same.facts.get(name) != after.facts.get(name))
            changed = {name.removeprefix("evidence.") for name in differ}
            assert {name.partition(".")[0] for name in changed} <= {fact, "relevant"}
            touched += bool(changed)
            if not changed:
                assert rules_only(after.fields) == rules_only(same.fields)
    assert touched > 0


def rules_only(fields: tuple[FieldDecision, ...]) -> list[FieldDecision]:
    """Return the decisions the rules alone made."""
    return [each for each in fields if each.reason not in AFTER_THE_RULES]


def _before(day: Day, entry: Submission) -> View:
    """Return the world as it was before a message: the day replayed up to it."""
    tables = rehearsal.Tables(
        contracts=day.tables.contracts,
        rules=day.tables.rules,
        parties=day.tables.parties,
        agreed=day.tables.agreed,
        log=day.tables.log,
    )
    for earlier, result, _ in day.routed:
        if earlier is entry:
            break
        tables.cases |= {one.ref: one for one in result.cases}
        if result.seen is not None and isinstance(earlier, Submission):
            tables.taken[result.seen[0]] = result.seen[1]
            tables.senders[result.seen[0]] = earlier.envelope.organisation
    return tables
