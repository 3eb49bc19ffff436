"""Organisations' own Kafka topics, read, checked and handed on to the one log."""

from hub.adapters.feeds.feeds import CaseOf, Feeds, Organisations
from hub.adapters.feeds.limits import FeedLimits
from hub.adapters.feeds.organisations import ProjectedOrganisations
from hub.adapters.feeds.people import ProjectedPeople
from hub.adapters.feeds.reading import Reader, check_sender, record_id, taken_from

__all__ = [
    "CaseOf",
    "FeedLimits",
    "Feeds",
    "Organisations",
    "ProjectedOrganisations",
    "ProjectedPeople",
    "Reader",
    "check_sender",
    "record_id",
    "taken_from",
]
