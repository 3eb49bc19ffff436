"""Organisations' own Kafka topics, read, checked and handed on to the one log."""

from hub.adapters.feeds.feeds import Feeds, Organisations
from hub.adapters.feeds.limits import FeedLimits
from hub.adapters.feeds.organisations import ProjectedOrganisations

__all__ = ["FeedLimits", "Feeds", "Organisations", "ProjectedOrganisations"]
