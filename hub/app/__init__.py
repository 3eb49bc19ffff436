"""The composition root: settings, adapters and core joined into a running hub.

    async with running(settings) as hub:      # starts or finds Kafka and PostgreSQL, runs the roles
        key = await hub.add_organisation(body)
    async with attached(settings) as hub:     # administers the hub another process runs

It is the only place that knows all adapters; they do not know each other.
"""

from hub.app.hub import Hub
from hub.app.roles import ALL_ROLES, Role
from hub.app.running import attached, running

__all__ = ["ALL_ROLES", "Hub", "Role", "attached", "running"]
