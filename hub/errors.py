"""Every error the hub raises, named for what the caller does about it.

HubError
├── Refused              the sender is told: the message breaks a rule of form or of the domain
│   ├── InvalidBody      several faults at once, each with a JSON pointer
│   ├── NotReadable      bytes that are not the contract they claim to be
│   └── DomainRefusal    the model refuses it (wrong author, illegal state change)
├── PolicyRefused        a policy that breaks an invariant is not loaded
├── ReadBackNeeded       what is to be told again stands in the log: fetch it, then ask again
├── EngineDisagrees      compiled rules and reference decide differently: nothing of it goes
├── TaskMigrated         another owner has the partition: close the task, keep the process
├── TaskCorrupted        the outcome of a transaction is unknown: rebuild the task from Kafka
├── Unreachable          a broker, database or peer does not answer: retry later
├── NotCaughtUp          the projection lags behind the router: nothing leaves, ask again
├── AlreadyRunning       this instance is up already: use it, or stop it first
├── NotConfigured        a setting or file is missing or wrong: the operator mends it
│   └── WrongArgument    an argument is not well said, or names nothing: whoever asked says it otherwise
└── Drift                what exists differs from the catalogue: nothing was changed

A `code` tells where it is met. Words in small letters, as `wrong-argument`: what a command or the gateway
answers whoever asked. Words in capitals, as `REFERRAL-UNKNOWN`: the reason kept with a message that was not
taken. `E_…`: how the attempt of a push ended.
"""

from __future__ import annotations

from dataclasses import dataclass


class HubError(Exception):
    """Root of the tree. `code` is stable and may be shown; `fix` says what to do next."""

    code: str = "hub-error"

    def __init__(self, message: str, *, fix: str = "") -> None:
        """Keep the sentence for people and the remedy apart, so that each face shows both."""
        super().__init__(message)
        self.fix = fix


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One thing wrong with a body: where (RFC 6901 JSON pointer), which rule, how to mend it."""

    pointer: str
    rule: str
    fix: str


class Refused(HubError):
    """The message is not taken. `code` is the reason code kept with the quarantined record."""

    code = "REFUSED"


class InvalidBody(Refused):
    """A body that breaks its contract; carries every fault found, never a value (R-DEL-03)."""

    code = "PAYLOAD-INVALID"

    def __init__(self, faults: tuple[Fault, ...]) -> None:
        """Hold all faults so that the sender mends them in one go."""
        super().__init__(f"{len(faults)} fault(s) in the message body", fix="mend the named fields")
        self.faults = faults


class NotReadable(Refused):
    """Bytes that cannot be read as the contract they name (truncated, trailing, not Avro)."""

    code = "NOT-READABLE"

    def __init__(self, code: str, message: str, *, fix: str = "") -> None:
        """Use the narrow reason code, e.g. AVRO-TRUNCATED or CONTRACT-UNKNOWN."""
        super().__init__(message, fix=fix)
        self.code = code


class DomainRefusal(Refused):
    """The Offender Management Model refuses the message; `code` names the rule."""

    def __init__(self, code: str, message: str, *, fix: str = "") -> None:
        """Use the rule's reason code, e.g. OM-TRANSFER-UNAUTHORISED."""
        super().__init__(message, fix=fix)
        self.code = code


class PolicyRefused(HubError):
    """A policy release that breaks an invariant or its own vocabulary is not put in force."""

    code = "policy-refused"


class ReadBackNeeded(HubError):
    """A decision needs messages of the log that are not at hand; nothing was decided.

    Whoever asked reads them back, gives them to the view, and asks again: the answer is then the same,
    whoever read them when.
    """

    code = "read-back-needed"

    def __init__(self, records: frozenset[tuple[str, int]]) -> None:
        """Name the records: each a case, and the offset in the partition of that case."""
        super().__init__(f"{len(records)} message(s) have to be read back from the log")
        self.records = records


class EngineDisagrees(HubError):
    """The compiled rules decided otherwise than the reference they are held against; nothing may go on it."""

    code = "ENGINE-DISAGREES"


class TaskMigrated(HubError):
    """The partition has another owner; this task's work was fenced and must be dropped."""

    code = "task-migrated"


class TaskCorrupted(HubError):
    """A transaction's outcome is unknown; state must be rebuilt before going on."""

    code = "task-corrupted"


class Unreachable(HubError):
    """Something the hub needs does not answer within its time limit."""

    code = "unreachable"


class NotCaughtUp(HubError):
    """The projection has not come, in time, to where the router was: what it says may be out of date."""

    code = "not-caught-up"


class AlreadyRunning(HubError):
    """An instance with this name is running; its address is in the message."""

    code = "already-running"


class NotConfigured(HubError):
    """A setting, file or tool is missing or not usable."""

    code = "not-configured"


class WrongArgument(NotConfigured):
    """An argument of a command that is not well said, or names something there is not."""

    code = "wrong-argument"

    def __init__(self, argument: str, message: str, *, fix: str) -> None:
        """Name the argument as it is typed, e.g. --consent, before what is wrong with it."""
        super().__init__(f"{argument}: {message}", fix=fix)
        self.argument = argument


class Drift(HubError):
    """A topic, table or contract differs from what the catalogue says; nothing was changed."""

    code = "drift"
