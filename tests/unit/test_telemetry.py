"""Telemetry says how the hub works and nothing about anybody."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from aiokafka import ConsumerRecord
from opentelemetry import metrics, trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from hub.adapters import telemetry
from hub.adapters.kafka.consequences import Consequences
from hub.errors import NotConfigured
from hub.messages.identifiers import CaseRef, derived_id
from hub.topics.catalogue import Catalogue
from hub.topics.keys import case_key
from hub.topics.tables import RouterView
from tests.faults import world

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(autouse=True)
def _nobody_traces_yet(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a process of its own: a hub that another file's tests ran in this one has set its tracer up."""
    monkeypatch.setattr(trace, "_TRACER_PROVIDER", None)


def test_attribute_off_the_list_is_refused() -> None:
    """A name or case reference has no way into a span."""
    with pytest.raises(ValueError, match="surname"):
        telemetry.allowed({"surname": "x"})
    assert telemetry.allowed({"hub_message": "plan"}) == {"hub.message": "plan"}


def test_trace_travels_by_traceparent_alone() -> None:
    """What reads a record of hub.intake goes on with the trace of who appended it, and gets nothing else."""
    parent = b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    context = telemetry.extract([("hub-organisation", b"x"), ("traceparent", parent), ("tracestate", b"a=b")])
    headers: list[tuple[str, bytes]] = []
    with TracerProvider().get_tracer("t").start_as_current_span("x", context=context):
        telemetry.inject(headers)
        assert telemetry.trace_id() == "0af7651916cd43dd8448eb211c80319c"
    assert [name for name, _ in headers] == ["traceparent"]
    assert headers[0][1].split(b"-")[1] == parent.split(b"-")[1]


def test_nothing_is_injected_outside_a_trace() -> None:
    """Without a trace there is no header and no id, and a broken header is no trace."""
    headers: list[tuple[str, bytes]] = []
    telemetry.inject(headers)
    assert headers == []
    assert telemetry.trace_id() is None
    assert telemetry.extract([]) is None
    assert telemetry.extract([("traceparent", None)]) is None
    with telemetry.span("x", parent=telemetry.extract([("traceparent", b"\xff")])):
        assert telemetry.trace_id() is None


def test_every_trace_has_its_id_though_nothing_is_exported(monkeypatch: pytest.MonkeyPatch) -> None:
    """Log lines name traces where no exporter is asked for; their spans are not recorded."""
    started: list[TracerProvider] = []
    monkeypatch.delenv("OTEL_TRACES_EXPORTER", raising=False)
    monkeypatch.setattr(trace, "_TRACER_PROVIDER", None)
    monkeypatch.setattr(trace, "set_tracer_provider", started.append)
    monkeypatch.setattr(metrics, "set_meter_provider", lambda _: None)
    telemetry.set_up(role="gateway")
    (provider,) = started
    with provider.get_tracer("t").start_as_current_span("x") as current:
        assert telemetry.trace_id() is not None
        assert not current.is_recording()


def test_failed_span_says_the_class_of_the_error_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """The text of an error may quote a message."""
    exporter, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    monkeypatch.setattr(trace, "_TRACER_PROVIDER", provider)
    message = "canary"
    with pytest.raises(LookupError), telemetry.span("x"):
        raise LookupError(message)
    (span,) = exporter.get_finished_spans()
    assert (span.status.is_ok, span.status.description) == (False, "LookupError")
    assert message not in span.to_json()


@pytest.mark.requirement("R-DIS-01")
def test_trace_of_a_message_goes_on_nothing_that_leaves_the_hub(tmp_path: Path) -> None:
    """The router takes a record with a traceparent like any other, and none of what follows has one."""
    codec = world.codec_in(tmp_path)
    posted = world.message(CaseRef(derived_id("case", "one")), 1)
    codec.keys.get_or_create(case_key(posted.envelope.case))
    encoded = codec.submission(posted)
    headers = [*encoded.headers]
    with TracerProvider().get_tracer("t").start_as_current_span("x"):
        telemetry.inject(headers)
    record: ConsumerRecord[bytes | None, bytes | None] = ConsumerRecord(
        "hub.intake", 0, 7, 1, 0, encoded.key, encoded.value, None, 0, 0, headers=tuple(headers)
    )
    view = RouterView(codec=codec, contracts=codec.library, cases_remembered_max=1)
    consequences = Consequences(
        catalogue=Catalogue(), codec=codec, route=world.route, record_bytes_max=1_000_000
    )
    caused = consequences.of(record, view)
    assert len(headers) == len(encoded.headers) + 1
    assert {f"hub.to.{organisation}" for organisation in world.BY_KAFKA} < {each.topic for each in caused}
    assert not any(name == "traceparent" for each in caused for name, _ in each.headers)


def test_unknown_exporter_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """A spelling mistake does not silently export nothing."""
    monkeypatch.setenv("OTEL_TRACES_EXPORTER", "consul")
    with pytest.raises(NotConfigured):
        telemetry.set_up(role="gateway")
