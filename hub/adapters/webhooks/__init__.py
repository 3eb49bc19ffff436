"""Webhooks: what is signed, sent and made of the answers.

Each module knows only its own step: `signing` the Standard Webhooks headers, `target`, `addresses` and
`egress` where a request may go and how it gets there, `answers` what an answer means, `schedule` when to try
again, `breaker` when to leave an endpoint alone.
"""
