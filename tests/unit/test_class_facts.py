"""The facts of the classes, gone through once for all of them, are what each class by itself would have."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hub.cases.case import Case, ConsentGiven, ConsentState, Restriction, RestrictionKind
from hub.cases.grants import Act, Grant, GrantKind
from hub.consent.decide import lines_of
from hub.consent.decision import Candidate, Concern
from hub.consent.facts import FlatFacts, facts_of
from hub.consent.parties import Organisation, Protocol
from hub.consent.plan import Plan
from hub.consent.question import Question
from hub.consent.vocabulary import bit
from hub.messages.envelope import Envelope, InformationClass, MessageName, Role, Statement
from hub.messages.identifiers import Instant, MessageId
from tests.unit.consent_cases import CASE, LIBRARY, NOW, POLICY, REGION, RUNG_2, SOMEBODY_ELSE, organisation

CLASSES = st.frozensets(st.sampled_from(list(InformationClass)[:4]), max_size=3)
SINCE = st.sampled_from([Instant(NOW - 2), Instant(NOW - 1), NOW, Instant(NOW + 1)])
UNTIL = st.sampled_from([None, Instant(NOW - 1), NOW, Instant(NOW + 1)])
SOMEBODY = st.sampled_from([RUNG_2, SOMEBODY_ELSE])
NAMED = st.frozensets(SOMEBODY, max_size=1)
ROLES = st.frozensets(st.sampled_from([Role.KEY_WORKER, Role.OFFENDER_MANAGER]), max_size=1)
PURPOSES = st.frozensets(st.sampled_from(["progress", "referral"]), max_size=1)
ACT = Act(organisation=REGION, role=Role.OFFENDER_MANAGER, person="st-1", at=Instant(0))
CONSENTS = st.builds(
    ConsentGiven,
    consent=st.just("cn"),
    state=st.sampled_from(list(ConsentState)),
    organisation=st.none() | SOMEBODY,
    classes=CLASSES,
    purposes=PURPOSES,
    since=SINCE,
    until=UNTIL,
)
RESTRICTIONS = st.builds(
    Restriction,
    restriction=st.just("rs"),
    kind=st.sampled_from([RestrictionKind.CONFIDENTIALITY, RestrictionKind.EXCLUSION]),
    organisations=NAMED,
    roles=ROLES,
    classes=CLASSES,
    objective=st.sampled_from([None, None, "o-1"]),
    since=SINCE,
    until=UNTIL,
)
GRANTS = st.builds(
    Grant,
    grant=st.just("gr"),
    kind=st.sampled_from(list(GrantKind)),
    organisation=SOMEBODY,
    classes=CLASSES,
    roles=ROLES,
    purposes=PURPOSES,
    evidence=st.just("file 7"),
    asked=st.just(ACT),
    since=st.none() | SINCE,
    until=UNTIL,
)
PROTOCOLS = st.builds(Protocol, name=st.just("p"), classes=CLASSES, since=SINCE, until=UNTIL)


def question(case: Case, party: Organisation) -> Question:
    """Ask what a Key Worker of a purchased provider may know of a progress report."""
    return Question(
        envelope=Envelope(
            message_id=MessageId("a" * 32),
            message=MessageName.PROGRESS,
            contract="1.0",
            case=case.ref,
            organisation=SOMEBODY_ELSE,
            author="st-9",
            author_role=Role.KEY_WORKER,
            statement=Statement.FACT,
            occurred_at=NOW,
            recorded_at=NOW,
            correlation="",
            causation=None,
            digest="",
        ),
        case=case,
        organisation=party,
        candidate=Candidate(
            organisation=RUNG_2, role=Role.KEY_WORKER, persons=frozenset(), concern=Concern.TEAM
        ),
        now=NOW,
        about=None,
    )


def within(since: Instant | None, until: Instant | None) -> bool:
    """Tell whether an interval that has begun contains the moment."""
    return since is not None and since <= NOW and (until is None or until > NOW)


def word_on(name: InformationClass, consents: list[ConsentGiven]) -> str:
    """Say in which state the consent for a class is, word by word: the latest, then the strictest."""
    words = []
    for item in consents:
        says_no = item.state in {ConsentState.REFUSED, ConsentState.WITHDRAWN}
        speaks = name in item.classes or (says_no and not item.classes)
        heard = item.organisation in {None, RUNG_2} and (not item.purposes or "progress" in item.purposes)
        if speaks and heard and item.since <= NOW:
            ended = item.state is ConsentState.GIVEN and not within(item.since, item.until)
            words.append((item.since, "expired" if ended else str(item.state).lower()))
    latest = [state for since, state in words if since == max(when for when, _ in words)]
    order = ("withdrawn", "refused", "expired", "given")
    return next((state for state in order if state in latest), "none")


@pytest.mark.requirement("R-DIS-05")
@given(
    consents=st.lists(CONSENTS, max_size=4),
    restrictions=st.lists(RESTRICTIONS, max_size=3),
    grants=st.lists(GRANTS, max_size=3),
    protocols=st.lists(PROTOCOLS, max_size=2),
)
@settings(max_examples=300, deadline=None)
def test_every_class_has_the_facts_it_would_have_alone(
    consents: list[ConsentGiven],
    restrictions: list[Restriction],
    grants: list[Grant],
    protocols: list[Protocol],
) -> None:
    """Protocols, consents, orders, overrides and flags, beginning and ending about the moment."""
    case = replace(CASE, consents=tuple(consents), restrictions=tuple(restrictions), grants=tuple(grants))
    found = facts_of(question(case, organisation(RUNG_2, protocols=tuple(protocols)))).by_class

    for name in InformationClass:
        kinds = {
            each.kind
            for each in grants
            if within(each.since, each.until)
            and name in each.classes
            and each.organisation == RUNG_2
            and each.roles <= {Role.KEY_WORKER}
            and each.purposes <= {"progress"}
        }
        flagged = [
            each
            for each in restrictions
            if within(each.since, each.until)
            and each.kind is RestrictionKind.CONFIDENTIALITY
            and each.objective is None
            and (not each.classes or name in each.classes)
            and (
                RUNG_2 in each.organisations
                or Role.KEY_WORKER in each.roles
                or not (each.organisations or each.roles)
            )
        ]
        assert found[name] == {
            "protocol": any(name in each.classes and within(each.since, each.until) for each in protocols),
            "consent": word_on(name, consents),
            "court_order": GrantKind.COURT_ORDER in kinds,
            "override": bool(kinds & {GrantKind.OVERRIDE, GrantKind.BREAK_GLASS}),
            "confidential": bool(flagged),
        }


@pytest.mark.requirement("R-DIS-09")
def test_facts_are_named_for_the_classes_a_message_has_and_for_no_other() -> None:
    """`protocol.risk` is kept where the message has something of that class."""
    facts = facts_of(question(CASE, organisation(RUNG_2)), (InformationClass.RISK,))
    flat = FlatFacts(facts, (("consent", ("cn-1",)),))

    assert flat["protocol.risk"] is False
    assert "protocol.health" not in flat
    assert flat["evidence.consent.risk"] == "cn-1"
    assert len(flat) == len(facts.whole) + 6
    assert dict(flat) == flat


@pytest.mark.requirement("R-DIS-05")
def test_what_is_kept_for_the_recipients_of_a_message_is_of_its_case_and_moment_alone() -> None:
    """Asked in turn about two cases, two messages and two moments, each gets the facts it would get alone."""
    later = Instant(NOW + 10)
    ends = Restriction(
        restriction="rs",
        kind=RestrictionKind.EXCLUSION,
        organisations=frozenset({RUNG_2}),
        roles=frozenset(),
        classes=frozenset(),
        objective=None,
        since=Instant(0),
        until=later,
    )
    kept_out = replace(CASE, restrictions=(ends,))
    to = organisation(RUNG_2)
    by_prison = replace(question(CASE, to).envelope, author_role=Role.OFFENDER_MANAGEMENT_UNIT)
    asked = [
        (question(CASE, to), (False, True)),
        (question(kept_out, to), (True, True)),
        (replace(question(kept_out, to), now=later), (False, True)),
        (replace(question(kept_out, to), envelope=by_prison), (True, False)),
        (question(CASE, to), (False, True)),
    ]
    for each, expected in asked:
        whole = facts_of(each).whole
        assert (whole["excluded"], whole["from_other_provider"]) == expected
    for each, _ in reversed(asked):
        assert facts_of(each) == facts_of(replace(each, case=replace(each.case)))


@pytest.mark.requirement("R-DIS-05")
def test_facts_stand_in_the_order_of_the_vocabulary() -> None:
    """Every value is one its fact can have, so none stands in another's place."""
    for name, value in facts_of(question(CASE, organisation(RUNG_2))).whole.items():
        assert value is None or bit(name, value), name


@pytest.mark.requirement("R-DIS-01")
def test_two_referrals_spoken_of_in_one_message_are_two_questions() -> None:
    """Whose referral it is, and on which rung, is asked of the one named; of none it is not known."""
    referrals = (
        replace(CASE.referrals[0], referral="theirs", provider=RUNG_2, rung=4),
        replace(CASE.referrals[0], referral="another", provider=SOMEBODY_ELSE, rung=3),
    )
    asked = question(replace(CASE, referrals=referrals), organisation(RUNG_2))
    found = {}
    for about in ("theirs", "another", None, "theirs"):
        whole = facts_of(replace(asked, about=about)).whole
        found[about] = (whole["own_referral"], whole["rung"])
    assert found == {"theirs": (True, 4), "another": (False, 2), None: (None, 2)}


@pytest.mark.requirement("R-DIS-05")
def test_a_protocol_of_one_recipient_opens_nothing_to_the_next() -> None:
    """The facts that are the same for most recipients of a message are not those of one with a protocol."""
    protocol = Protocol(name="p", classes=frozenset({InformationClass.RISK}), since=Instant(0), until=None)
    case = replace(CASE, consents=(), restrictions=(), grants=())
    plain = question(case, organisation(RUNG_2))
    with_one = replace(plain, organisation=organisation(RUNG_2, protocols=(protocol,)))
    live = [facts_of(each).by_class[InformationClass.RISK]["protocol"] for each in (plain, with_one, plain)]
    assert live == [False, True, False]
    narrow = (InformationClass.HEALTH, InformationClass.RISK)
    for classes in (narrow, tuple(InformationClass), narrow):
        assert {len(column) for column in facts_of(plain, classes).columns} == {len(classes)}


@pytest.mark.requirement("R-DIS-01")
def test_the_answer_to_some_facts_is_given_to_no_others() -> None:
    """With and without a word of the person, and whether the message bears on the work or not, in turn."""
    message = MessageName.PROGRESS
    specs = LIBRARY.fields(message, "1.0")

    def fresh() -> Plan:
        return Plan(POLICY, message, tuple(lines_of(POLICY, message, specs, {})))

    kept, seen = fresh(), set()
    word = ConsentGiven(
        consent="cn",
        state=ConsentState.GIVEN,
        organisation=None,
        classes=frozenset(InformationClass),
        purposes=frozenset(),
        since=Instant(0),
        until=None,
    )
    cases = [replace(CASE, consents=words, restrictions=(), grants=()) for words in ((), (word,))]
    for _ in range(2):
        for case in cases:
            for relevant in (True, False):
                asked = question(case, organisation(RUNG_2))
                asked.candidate = replace(asked.candidate, relevant=relevant)
                facts = facts_of(asked, kept.classes)
                found = kept.answer(facts)
                assert found.fields == fresh().answer(facts).fields
                seen.add(found.fields)
    assert len(seen) == 4
