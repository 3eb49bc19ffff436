"""What only the controller can say of the processing (DPA 2018 s.61): read from a small file, or left open.

What is not given is a text marked to be filled in, which nobody can take for an answer.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import yaml

from hub.consent.parties import nearest
from hub.errors import NotConfigured
from hub.topics.plain_yaml import read_yaml

if TYPE_CHECKING:
    from pathlib import Path

WANTED: Mapping[str, str] = {
    "controller": "name and contact details of the controller",
    "joint_controller": "name and contact details of a joint controller, or none",
    "data_protection_officer": "name and contact details of the data protection officer",
    "recipients_abroad": "recipients in third countries or international organisations, or none",
    "transfers": "transfers to third countries or international organisations, or none",
    "erasure_limits": "time limits for erasure of each class, from the controller's retention schedule",
    "organisational_measures": "organisational measures: training, vetting, access reviews, incidents",
    "processor": "name and contact details of whoever runs the hub, and of its own processors",
    "processor_data_protection_officer": "name and contact details of its data protection officer",
}
"""Every field of the file, and what it is for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Controller:
    """What the controller has said."""

    given: Mapping[str, str] = field(default_factory=dict)

    def said(self, name: str) -> str:
        """Return what was said, or a place to be filled in."""
        return self.given.get(name) or f"**[TO BE FILLED IN: {WANTED[name]}]**"

    @property
    def missing(self) -> tuple[str, ...]:
        """The fields nobody has filled in."""
        return tuple(name for name in WANTED if not self.given.get(name))


def read_controller(file: Path) -> Controller:
    """Read the file; NotConfigured names a field that is not one, or a value that is no text."""
    try:
        body = read_yaml(file)
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as fault:
        message = f"{file}: cannot be read as YAML"
        raise NotConfigured(message, fix="write `field: text`, one a line") from fault
    if not isinstance(body, Mapping):
        message = f"{file}: not a list of fields"
        raise NotConfigured(message, fix=f"write any of {', '.join(WANTED)}")
    for name, value in body.items():
        if name not in WANTED:
            message = f"{file}: {name} is not a field here{nearest(name, WANTED)}"
            raise NotConfigured(message)
        if not isinstance(value, str) or not value.strip():
            message = f"{file}: {name} must be a text"
            raise NotConfigured(message, fix="write it in quotation marks")
    return Controller(given={name: " ".join(value.split()) for name, value in body.items()})
