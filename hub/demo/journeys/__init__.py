"""Journeys: pages that tell a story of one case and can be played on a hub.

A page in `docs/explanation/journeys` holds prose, what people send, and what must come of it; played, it
gets tables of who received what and a sequence diagram, both from what recipients really received.
"""
