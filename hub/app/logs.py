"""What the hub says of itself while it runs: one event a line on standard error, nothing personal.

On a terminal in a form for people, elsewhere as JSON. Libraries speak up from warnings on, and never as
talkative as they can be: Kafka's client then prints whole records.
"""

from __future__ import annotations

import logging
import sys
from typing import TYPE_CHECKING

import structlog

if TYPE_CHECKING:
    from hub.settings import Settings

_QUIET = ("aiokafka", "faststream", "uvicorn", "alembic", "psycopg", "testcontainers")
"""Libraries that warn of what the hub handles itself, such as a broker that is still starting."""


def set_up_logs(settings: Settings) -> None:
    """Log from the least level in the settings."""
    level = logging.getLevelNamesMapping()[settings.log_level.upper()]
    logging.basicConfig(
        level=logging.WARNING, stream=sys.stderr, format="%(levelname)s %(name)s: %(message)s"
    )
    for name in _QUIET:
        logging.getLogger(name).setLevel(logging.INFO if level <= logging.DEBUG else logging.CRITICAL)
    people = sys.stderr.isatty()
    renderer = structlog.dev.ConsoleRenderer() if people else structlog.processors.JSONRenderer()
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=False,
    )
