"""What the schemas say of a field as the rules on disclosure look at it, and the gate that compares it."""

from __future__ import annotations

from dataclasses import dataclass

from hub.consent.compile import Policy
from hub.consent.looseness import Comparison, Label, compare, compare_classes, opens_somewhere
from hub.consent.prove import in_words
from hub.messages.envelope import InformationClass, MessageName, Subject
from hub.topics.avro.names import space_of
from hub.topics.avro.schema import Field, Record, Type
from hub.topics.findings import Finding, Weight
from hub.topics.gates.pairs import Kept
from hub.topics.gates.said import sentence

_CLASSES = {each.value: each for each in InformationClass}
_SUBJECTS = {each.value: each for each in Subject}
_MESSAGES = {f"hub.{each.replace('-', '_')}": each for each in MessageName}


@dataclass(frozen=True, slots=True, kw_only=True)
class Gate:
    """By which rules fields are judged, of which message they are, and what findings call the schema."""

    policy: Policy
    message: MessageName | None
    schema: str

    def compare(self, old: tuple[str, Field], new: tuple[str, Field], *, own: bool) -> Comparison | None:
        """Compare what goes of two fields, each with its path; None where one has no known class.

        Whether a general form stands beside them is taken from the new field, `own` from its record: a
        change of those is judged for itself.
        """
        general = bool(text_of(new[1], "general"))
        was, becomes = _label(*old, general=general), _label(*new, general=general)
        if was is None or becomes is None:
            return None
        return compare(self.policy, was, becomes, message=self.message, own=own)

    def compare_classes(self, old: Field, new: Field) -> Comparison | None:
        """Compare the classes of two fields as the matrix shows them; None where one has no known class."""
        was, becomes = class_of(old), class_of(new)
        return None if was is None or becomes is None else compare_classes(self.policy, was, becomes)

    def opens_somewhere(self, both: Kept) -> str | None:
        """Return, in words, a state in which more goes of the new field than of the old, or None."""
        was, becomes = (
            _label(both.old_path, both.old, general=True),
            _label(both.path, both.new, general=True),
        )
        if was is None or becomes is None:
            return None
        state = opens_somewhere(self.policy, was, becomes, message=self.message)
        return None if state is None else in_words(state)

    def finding(  # noqa: PLR0913 - the parts of a finding
        self,
        rule: str,
        where: str,
        what: str,
        *,
        old: str = "",
        new: str = "",
        fix: str,
        weight: Weight = Weight.REFUSED,
    ) -> Finding:
        """Say what was found in this schema; `what` is a clause, and becomes a sentence."""
        return Finding(
            rule=rule,
            schema=self.schema,
            where=where,
            what=sentence(what),
            old=old,
            new=new,
            fix=fix,
            weight=weight,
        )


def message_of(schema: Type) -> MessageName | None:
    """Return the message a schema is of, by its namespace `hub.<message>.v<major>`; None: of no message."""
    space = space_of(schema.name) if isinstance(schema, Record) else None
    return _MESSAGES.get((space or "").rpartition(".")[0])


def class_of(field: Field) -> InformationClass | None:
    """Return a field's information class, None where it states none that is known."""
    return _CLASSES.get(text_of(field, "infoClass"))


def subject_of(field: Field) -> Subject | None:
    """Return whose data a field is, None where it states no known category."""
    return _SUBJECTS.get(text_of(field, "subject"))


def is_sensitive(field: Field) -> bool:
    """Tell whether a field is held to the rules for sensitive data: unless it says that it is not."""
    return field.properties.get("sensitive") is not False


def text_of(field: Field, name: str) -> str:
    """Return a property that is text; empty where it is none or missing."""
    value = field.properties.get(name)
    return value if isinstance(value, str) else ""


def _label(path: str, field: Field, *, general: bool) -> Label | None:
    """Return a field's label, None where it has no known class; without a subject it is the person's."""
    information_class = class_of(field)
    if information_class is None:
        return None
    return Label(
        information_class=information_class,
        subject=subject_of(field) or Subject.PERSON,
        sensitive=is_sensitive(field),
        field=path,
        general=general,
    )
