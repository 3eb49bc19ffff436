"""Programs the hub starts and that must never outlive it: the Kafka broker and PostgreSQL."""

from hub.adapters.processes.claim import Claim, State, claim, is_claimed, joined, running_state
from hub.adapters.processes.kept import Kept, Program, keep

__all__ = ["Claim", "Kept", "Program", "State", "claim", "is_claimed", "joined", "keep", "running_state"]
