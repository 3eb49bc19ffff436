"""Reads the policy files into the plain mappings that `hub.consent.compile` takes."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import yaml

from hub.errors import PolicyRefused

POLICY = Path(__file__).resolve().parents[1] / "consent" / "policy"
"""The rules that come with the hub."""
POLICY_VERSION = "1.0.0"
"""The version of the rules that come with the hub."""


def read_policy(path: Path = POLICY) -> Mapping[str, object]:
    """Return every policy file of a folder by its name without suffix; raises PolicyRefused."""
    documents: dict[str, object] = {}
    for file in sorted(path.glob("*.yaml")):
        try:
            documents[file.stem] = yaml.safe_load(file.read_text(encoding="utf-8"))
        except (yaml.YAMLError, UnicodeDecodeError, OSError) as fault:
            mark = getattr(fault, "problem_mark", None)
            where = f", line {mark.line + 1}" if mark is not None else ""
            message = f"{file.name}{where}: not readable as YAML"
            raise PolicyRefused(message, fix="mend the file") from fault
    if not documents:
        message = "there are no policy files in the folder"
        raise PolicyRefused(message, fix="name the folder that holds gates.yaml and one file per class")
    return documents
