"""Reads a payload into the dataclass of its message, so that the model never handles loose mappings."""

from collections.abc import Callable, Mapping
from dataclasses import MISSING, fields, is_dataclass
from enum import StrEnum
from types import MappingProxyType, NoneType, UnionType
from typing import Any, NewType, Union, get_args, get_origin, get_type_hints

from hub.errors import NotReadable
from hub.messages.appointment import AppointmentMessage
from hub.messages.assessment import AssessmentMessage
from hub.messages.case import CaseMessage
from hub.messages.consent import ConsentMessage
from hub.messages.correction import CorrectionMessage
from hub.messages.enforcement import EnforcementMessage
from hub.messages.envelope import MessageName, Submission
from hub.messages.evaluation import EvaluationMessage
from hub.messages.exception import ExceptionMessage
from hub.messages.plan import PlanMessage
from hub.messages.prison_event import PrisonEventMessage
from hub.messages.progress import ProgressMessage
from hub.messages.receipt import ReceiptMessage
from hub.messages.referral import ReferralMessage
from hub.messages.review import ReviewMessage
from hub.messages.risk_change import RiskChangeMessage
from hub.messages.team_change import TeamChangeMessage

Body = (
    CaseMessage
    | AssessmentMessage
    | ReferralMessage
    | ProgressMessage
    | RiskChangeMessage
    | PlanMessage
    | AppointmentMessage
    | PrisonEventMessage
    | TeamChangeMessage
    | ConsentMessage
    | EnforcementMessage
    | ReviewMessage
    | EvaluationMessage
    | ExceptionMessage
    | CorrectionMessage
    | ReceiptMessage
)
"""What a message can say: a closed union, one member per message type."""

BODIES: Mapping[MessageName, type[Body]] = MappingProxyType(
    {
        MessageName.CASE: CaseMessage,
        MessageName.ASSESSMENT: AssessmentMessage,
        MessageName.REFERRAL: ReferralMessage,
        MessageName.PROGRESS: ProgressMessage,
        MessageName.RISK_CHANGE: RiskChangeMessage,
        MessageName.PLAN: PlanMessage,
        MessageName.APPOINTMENT: AppointmentMessage,
        MessageName.PRISON_EVENT: PrisonEventMessage,
        MessageName.TEAM_CHANGE: TeamChangeMessage,
        MessageName.CONSENT: ConsentMessage,
        MessageName.ENFORCEMENT: EnforcementMessage,
        MessageName.REVIEW: ReviewMessage,
        MessageName.EVALUATION: EvaluationMessage,
        MessageName.EXCEPTION: ExceptionMessage,
        MessageName.CORRECTION: CorrectionMessage,
        MessageName.RECEIPT: ReceiptMessage,
    }
)

_Convert = Callable[[object], Any]


def read(submission: Submission) -> Body:
    """Return what a submission says; NotReadable PAYLOAD-INVALID names a field that does not fit."""
    body: Body = _READERS[submission.envelope.message](submission.payload)
    return body


def payload_name(attribute: str) -> str:
    """Return a field's name in the payload: `from_` is `from`, a word Python keeps for itself."""
    return attribute.removesuffix("_")


def _unfit(name: str) -> NotReadable:
    """Say which field does not fit, never what it holds."""
    return NotReadable("PAYLOAD-INVALID", f"{name} does not hold what its contract says")


def _reader(message: type) -> _Convert:
    """Return the function that builds one dataclass from a mapping, worked out once."""
    hints = get_type_hints(message)
    steps = {
        payload_name(each.name): (each.name, _converter(hints[each.name], each.name))
        for each in fields(message)
    }
    required = dict.fromkeys(each.name for each in fields(message) if each.default is MISSING)

    def convert(value: object) -> object:
        if value.__class__ is not dict and not isinstance(value, Mapping):
            raise _unfit(message.__name__)
        found: dict[str, object] = {}
        for name, given in value.items():
            if given is not None and (step := steps.get(name)) is not None:
                found[step[0]] = step[1](given)
        if not required.keys() <= found.keys():
            raise _unfit(payload_name(next(each for each in required if each not in found)))
        return message(**found)

    return convert


def _converter(hint: Any, name: str) -> _Convert:  # noqa: ANN401 - a type hint
    """Return the function that reads one field by its type hint."""
    if isinstance(hint, NewType):
        return _converter(hint.__supertype__, name)
    if get_origin(hint) in {Union, UnionType}:
        (inner,) = (each for each in get_args(hint) if each is not NoneType)
        return _converter(inner, name)
    if get_origin(hint) is tuple:
        return _items(_converter(get_args(hint)[0], name), name)
    if is_dataclass(hint):
        return _reader(hint)  # type: ignore[arg-type]
    if issubclass(hint, StrEnum):
        return _symbol(hint, name)
    return _plain(hint, name)


def _items(item: _Convert, name: str) -> _Convert:
    """Read a list into a tuple."""

    def convert(value: object) -> tuple[object, ...]:
        if not isinstance(value, list | tuple):
            raise _unfit(name)
        return tuple([item(each) for each in value])

    return convert


def _symbol(symbols: type[StrEnum], name: str) -> _Convert:
    """Read one of a closed list of words."""
    known = {each.value: each for each in symbols}

    def convert(value: object) -> StrEnum:
        found = known.get(value) if isinstance(value, str) else None
        if found is None:
            raise _unfit(name)
        return found

    return convert


def _plain(kind: type, name: str) -> _Convert:
    """Read text, a number or a boolean; true is no number."""

    def convert(value: object) -> object:
        if type(value) is kind or (kind is str and isinstance(value, str)):
            return value
        if kind is float and type(value) is int:
            return float(value)
        raise _unfit(name)

    return convert


_READERS: Mapping[MessageName, _Convert] = MappingProxyType(
    {name: _reader(body) for name, body in BODIES.items()}
)
