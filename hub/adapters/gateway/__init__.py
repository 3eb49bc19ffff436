"""The HTTP door: organisations post messages, follow them, and collect what is meant for them."""

from hub.adapters.gateway.app import create_gateway
from hub.adapters.gateway.idempotency import forget_old_attempts
from hub.adapters.gateway.identity import Identity
from hub.adapters.gateway.intake import IntakeLog
from hub.adapters.gateway.limits import GatewayLimits

__all__ = ["GatewayLimits", "Identity", "IntakeLog", "create_gateway", "forget_old_attempts"]
