"""From Kafka to PostgreSQL: who got what and why, what was set aside, what stands where."""

from hub.adapters.ledger.asking import Asker
from hub.adapters.ledger.control import wait_control
from hub.adapters.ledger.limits import ProjectorLimits
from hub.adapters.ledger.projector import Projector
from hub.adapters.ledger.rebuild import drop_projection
from hub.adapters.ledger.relay import Relay

__all__ = ["Asker", "Projector", "ProjectorLimits", "Relay", "drop_projection", "wait_control"]
