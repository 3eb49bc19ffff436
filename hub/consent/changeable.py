"""The facts that people can change, or that may come to be otherwise, and what one would do about each.

What somebody is (kind, legal status, standing, role, rung) is not among them, nor what a message is: no one
changes those so that a message may go. Nor is a threat to staff, which ends when it ends, nor the order of a
court. An override is the way round that is left when nothing else is so; it is told apart from these.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from hub.cases.membership import TEAM_ROLES
from hub.consent.sentences import ROLES
from hub.consent.vocabulary import Value
from hub.messages.envelope import InformationClass, Role


@dataclass(frozen=True, slots=True, kw_only=True)
class Changeable:
    """A fact that can change: what to do for each value, and whether it is done or found to be so."""

    does: Mapping[Value, str]
    """By the value it would have; `{of}` stands for the information class."""
    otherwise: str = ""
    """For the values not named; `{to}` stands for them."""
    found: bool = False
    """True: nobody does it so that a message may go; it is found to be so, or it is not."""


CHANGEABLE: Mapping[str, Changeable] = {
    "consent": Changeable(
        does={"given": "record the person's consent for {of}, for this recipient and purpose"},
        otherwise="the person's consent for {of} would have to be {to}",
    ),
    "protocol": Changeable(
        does={
            True: "put an information-sharing protocol for {of} in force with the organisation",
            False: "end the information-sharing protocol for {of} with the organisation",
        }
    ),
    "purpose_registered": Changeable(
        does={
            True: "register the organisation for the purpose of this message",
            False: "take back the organisation's registration for the purpose of this message",
        }
    ),
    "policy_document": Changeable(
        does={
            True: "see the organisation's policy document (DPA 2018 s.42), and record that it has one",
            False: "record that the organisation has no policy document",
        }
    ),
    "on_team": Changeable(
        does={
            True: "the recipient would have to be on the Offender Management Team",
            False: "take the recipient off the Offender Management Team",
        }
    ),
    "engaged": Changeable(
        does={
            True: "the organisation would have to have a part in the case",
            False: "end the organisation's part in the case",
        }
    ),
    "own_referral": Changeable(
        does={
            True: "the message would have to be about a referral the organisation provides",
            False: "the message would have to be about no referral the organisation provides",
        },
        found=True,
    ),
    "responsible": Changeable(
        does={
            True: "the person would have to be held in this prison",
            False: "the person would have to be held elsewhere, or not at all",
        },
        found=True,
    ),
    "relevant": Changeable(
        does={
            True: "the message would have to bear on the recipient's own work",
            False: "the message would have to be no matter of the recipient's own work",
        },
        found=True,
    ),
    "excluded": Changeable(
        does={
            True: "exclude the organisation from the case",
            False: "end the organisation's exclusion from the case",
        }
    ),
    "limited": Changeable(
        does={
            True: "limit access to the case to others",
            False: "name the recipient in the limited access to the case, or end the limit",
        }
    ),
    "confidential": Changeable(
        does={
            True: "the Offender Manager holds {of} back from the recipient",
            False: "the Offender Manager no longer holds {of} back from the recipient",
        }
    ),
    "tier": Changeable(does={}, otherwise="the tier of the case would have to be {to}", found=True),
    "rosh": Changeable(
        does={}, otherwise="the risk of serious harm would have to be assessed as {to}", found=True
    ),
    "mappa_level": Changeable(does={}, otherwise="the MAPPA level would have to be {to}", found=True),
}
"""Every fact that why-not may change, by name."""

IMPLIED: Mapping[tuple[str, Value], tuple[str, Value]] = {("on_team", True): ("engaged", True)}
"""What becomes so with a change, without being another one: whoever is on the team has a part in the case."""


_APPOINT = "appoint somebody of the organisation to the Offender Management Team as {role}"
_REFER = "refer the person to the organisation"
_PART: Mapping[str, Mapping[Role, str]] = {
    "on_team": dict.fromkeys(TEAM_ROLES, _APPOINT)
    | {Role.LINE_MANAGER: "name somebody of the organisation on the case as its {role}"},
    "engaged": dict.fromkeys(TEAM_ROLES, _APPOINT)
    | {
        Role.KEY_WORKER: f"{_REFER}, or {_APPOINT}",
        Role.SERVICE_MANAGER: _REFER,
        Role.LINE_MANAGER: "name somebody of the organisation on the case as its {role}",
    },
}
"""How somebody comes to have a part in the case: by their role, for nobody is appointed to every role."""


def said(
    name: str,
    information_class: InformationClass | None,
    values: tuple[Value, ...],
    *,
    role: Value | None,
) -> str:
    """Say what one would do for a fact to have one of these values, for a recipient in this role."""
    changeable = CHANGEABLE[name]
    words = next((changeable.does[value] for value in values if value in changeable.does), None)
    if name in _PART and values == (True,) and role is not None:
        words = _PART[name].get(Role(str(role)), words)
        return str(words).format(role=ROLES[str(role)])
    of = str(information_class or "").replace("_", " ")
    to = " or ".join(str(value).replace("_", " ") for value in values)
    return (words if words is not None else changeable.otherwise).format(of=of, to=to)
