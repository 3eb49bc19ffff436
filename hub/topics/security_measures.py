"""What protects the data, one line each, with the file that does it; and, as honestly, what does not yet.

For the record of processing (DPA 2018 s.61(2)(k), s.66). A test holds every line to a file that is there.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """One measure, and where it is made; or one that is lacking."""

    what: str
    where: str = ""

    @property
    def there(self) -> bool:
        """Whether the system has it."""
        return bool(self.where)


MEASURES: tuple[Measure, ...] = (
    Measure(
        what="content at rest is sealed (AES-256-GCM) under a key per person, from the first record on",
        where="hub/topics/sealing.py",
    ),
    Measure(
        what="keys are files that only their owner can read, erased one by one", where="hub/topics/keys.py"
    ),
    Measure(
        what="what a recipient may not know is withheld by default, field by field, by proved rules",
        where="hub/consent/decide.py",
    ),
    Measure(
        what="what is cut for a recipient is searched for what was held back", where="hub/consent/redact.py"
    ),
    Measure(
        what="references are other ones for each organisation, so that two cannot join what they hold",
        where="hub/topics/pairwise.py",
    ),
    Measure(
        what="organisations are known by random keys of 256 bits, kept as digests, revocable",
        where="hub/adapters/gateway/identity.py",
    ),
    Measure(
        what="bytes from outside are walked over and bounded before anything decodes them",
        where="hub/topics/guard.py",
    ),
    Measure(
        what="every decision, also one that says no, is recorded in the transaction of its delivery",
        where="hub/adapters/kafka/transaction.py",
    ),
    Measure(
        what="nothing personal is in logs, traces and metrics; content is not among their fields",
        where="hub/adapters/telemetry.py",
    ),
    Measure(
        what="a case that does not exist and one that is not the sender's look the same outside",
        where="hub/adapters/gateway/status.py",
    ),
    Measure(what="access control on Kafka: the broker started here listens on this machine only"),
    Measure(what="logging of who looked at the ledger (s.62)"),
    Measure(what="encryption of connections: the gateway stands behind a server that does it"),
)
