"""Telemetry says how the hub works and nothing about anybody."""

from __future__ import annotations

import pytest
from opentelemetry.sdk.trace import TracerProvider

from hub.adapters import telemetry
from hub.errors import NotConfigured


def test_attribute_off_the_list_is_refused() -> None:
    """A name or case reference has no way into a span."""
    with pytest.raises(ValueError, match="surname"):
        telemetry.allowed({"surname": "x"})
    assert telemetry.allowed({"hub_message": "plan"}) == {"hub.message": "plan"}


def test_trace_travels_by_traceparent_alone() -> None:
    """Text of the sender's choosing (tracestate, baggage) goes no further."""
    parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    context = telemetry.extract({"traceparent": parent, "tracestate": "a=canary", "baggage": "b=canary"})
    headers: list[tuple[str, bytes]] = []
    over_http: dict[str, str] = {}
    with TracerProvider().get_tracer("t").start_as_current_span("x", context=context):
        telemetry.inject(headers)
        telemetry.inject(over_http)
    assert [name for name, _ in headers] == ["traceparent"]
    assert headers[0][1].decode().split("-")[1] == parent.split("-")[1]
    assert over_http.keys() == {"traceparent"}
    assert telemetry.extract(headers) is not None


def test_nothing_is_injected_outside_a_trace() -> None:
    """Without a trace there is no header, and a broken one is no trace."""
    headers: list[tuple[str, bytes]] = []
    telemetry.inject(headers)
    assert headers == []
    assert telemetry.extract({}) is None
    assert telemetry.extract([("traceparent", b"\xff")]) is not None


def test_unknown_exporter_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """A spelling mistake does not silently export nothing."""
    monkeypatch.setenv("OTEL_TRACES_EXPORTER", "consul")
    with pytest.raises(NotConfigured):
        telemetry.set_up(role="gateway")
