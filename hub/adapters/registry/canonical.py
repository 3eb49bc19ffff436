"""The one spelling in which the hub sends a schema out, and the digest of whatever spelling comes back."""

from __future__ import annotations

import json

from hub.topics.avro.canonical import digest


def canonical(schema: str) -> str:
    """Return the schema's canonical JSON, the very text its digest is taken of.

    Registries that compare texts (Apicurio 3.0.9 does, spaces and the order of keys included) so see
    one schema where the hub sees one.
    """
    return json.dumps(json.loads(schema), sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def digest_of(schema: str) -> str:
    """Return the digest of a schema's text from outside; empty where it is not JSON."""
    try:
        return digest(json.loads(schema))
    except (ValueError, RecursionError):
        return ""
