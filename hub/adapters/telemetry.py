"""Traces and metrics that say how the hub works and nothing about anybody.

Attributes are taken from a closed list; anything else is a programming error and is refused. A trace
begins at the hub's own door, for an id of the sender's choosing could say anything, and crosses
hub.intake by its traceparent alone, from whoever appends a message to the router. It is never put on
a record that leaves the hub, where it would link what one recipient got to what another got. Every
trace has its id, which log lines name; without OTEL_TRACES_EXPORTER or OTEL_METRICS_EXPORTER nothing
is exported.
"""

from __future__ import annotations

import importlib
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING, Final, cast

from opentelemetry import metrics, trace
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import (
    ConsoleMetricExporter,
    MetricExporter,
    PeriodicExportingMetricReader,
)
from opentelemetry.sdk.resources import SERVICE_NAME, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, ConsoleSpanExporter, SpanExporter
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from hub.errors import NotConfigured

if TYPE_CHECKING:
    from opentelemetry.context import Context

TRACEPARENT: Final = "traceparent"
ALLOWED_ATTRIBUTES: Final = frozenset(
    {
        "hub.batch.records",
        "hub.code",
        "hub.contract",
        "hub.dry_run",
        "hub.message",
        "hub.organisation",
        "hub.outcome",
        "hub.partition",
        "hub.role",
        "hub.topic",
        "http.request.method",
        "http.response.status_code",
        "http.route",
    }
)
"""What a span or measurement may say: nothing that points to a person, case, message or member of staff."""

_BY_KEYWORD: Final = {name.replace(".", "_"): name for name in ALLOWED_ATTRIBUTES}
_SCOPE: Final = "hub"
_EXPORT_INTERVAL_MS: Final = 15_000
_PROPAGATOR: Final = TraceContextTextMapPropagator()

Said = str | int | bool
"""What an attribute's value may be."""


def set_up(*, role: str) -> None:
    """Start tracing and metrics for one role of the hub, exporting only where OTEL_* asks for it.

    A process has one tracer: whoever comes second in it uses the first.

    Raises:
        NotConfigured: an exporter is asked for that is unknown or not installed.

    """
    if isinstance(trace.get_tracer_provider(), TracerProvider):
        return
    resource = Resource.create({SERVICE_NAME: f"hub-{role}"})
    spans_to = _span_exporter(os.environ.get("OTEL_TRACES_EXPORTER", "none"))
    # Spans nobody takes away are not recorded: they have their ids and cost little else.
    tracing = TracerProvider(resource=resource, sampler=ALWAYS_OFF if spans_to is None else None)
    if spans_to is not None:
        tracing.add_span_processor(BatchSpanProcessor(spans_to))
    trace.set_tracer_provider(tracing)
    measures_to = _metric_exporter(os.environ.get("OTEL_METRICS_EXPORTER", "none"))
    readers = (
        []
        if measures_to is None
        else [PeriodicExportingMetricReader(measures_to, export_interval_millis=_EXPORT_INTERVAL_MS)]
    )
    metrics.set_meter_provider(MeterProvider(resource=resource, metric_readers=readers))


@contextmanager
def span(name: str, /, *, parent: Context | None = None, **attributes: Said) -> Iterator[trace.Span]:
    """Time a piece of work; an attribute's keyword is its name with `_` for `.`: `hub_message`.

    An exception marks the span as failed by its class name; its text is not kept, for it may quote data.
    """
    with trace.get_tracer(_SCOPE).start_as_current_span(
        name,
        context=parent,
        attributes=allowed(attributes),
        record_exception=False,
        set_status_on_exception=False,
    ) as current:
        try:
            yield current
        except BaseException as error:
            fail(current, error)
            raise


def say(current: trace.Span, **attributes: Said) -> None:
    """Add what became known during the work to its span."""
    current.set_attributes(allowed(attributes))


def fail(current: trace.Span, error: BaseException) -> None:
    """Mark a span as failed, by the class of the error alone."""
    current.set_status(trace.StatusCode.ERROR, type(error).__name__)


def count(name: str, amount: int = 1, **attributes: Said) -> None:
    """Add to a counter."""
    _counter(name).add(amount, allowed(attributes))


def measure(name: str, value: float, *, unit: str, **attributes: Said) -> None:
    """Put one measurement into a distribution."""
    _histogram(name, unit).record(value, allowed(attributes))


def allowed(attributes: Mapping[str, Said]) -> dict[str, Said]:
    """Return the attributes under their full names.

    Raises:
        ValueError: one is not on the list.

    """
    unknown = attributes.keys() - _BY_KEYWORD.keys()
    if unknown:
        message = f"not an attribute the hub may record: {', '.join(sorted(unknown))}"
        raise ValueError(message)
    return {_BY_KEYWORD[keyword]: value for keyword, value in attributes.items()}


def trace_id() -> str | None:
    """Return the current trace's id, to be quoted to the operator, or None outside any trace."""
    context = trace.get_current_span().get_span_context()
    return trace.format_trace_id(context.trace_id) if context.is_valid else None


def inject(headers: list[tuple[str, bytes]]) -> None:
    """Put the current traceparent on the headers of a record of hub.intake; outside any trace, nothing."""
    carrier: dict[str, str] = {}
    _PROPAGATOR.inject(carrier)
    if TRACEPARENT in carrier:
        headers.append((TRACEPARENT, carrier[TRACEPARENT].encode()))


def extract(headers: Iterable[tuple[str, bytes | None]]) -> Context | None:
    """Return the trace that the headers of a record of hub.intake continue, or None if they name none."""
    found = next((value for name, value in headers if name == TRACEPARENT), None)
    return None if found is None else _PROPAGATOR.extract({TRACEPARENT: found.decode("ascii", "replace")})


@cache
def _counter(name: str) -> metrics.Counter:
    return metrics.get_meter(_SCOPE).create_counter(name)


@cache
def _histogram(name: str, unit: str) -> metrics.Histogram:
    return metrics.get_meter(_SCOPE).create_histogram(name, unit=unit)


def _span_exporter(wanted: str) -> SpanExporter | None:
    match wanted:
        case "none":
            return None
        case "console":
            return ConsoleSpanExporter()
        case "otlp":
            return cast("SpanExporter", _otlp("trace_exporter", "OTLPSpanExporter"))
    raise _unknown(variable="OTEL_TRACES_EXPORTER")


def _metric_exporter(wanted: str) -> MetricExporter | None:
    match wanted:
        case "none":
            return None
        case "console":
            return ConsoleMetricExporter()
        case "otlp":
            return cast("MetricExporter", _otlp("metric_exporter", "OTLPMetricExporter"))
    raise _unknown(variable="OTEL_METRICS_EXPORTER")


def _otlp(module: str, name: str) -> object:
    """Return an OTLP exporter over HTTP; its package is the operator's to install."""
    try:
        found = importlib.import_module(f"opentelemetry.exporter.otlp.proto.http.{module}")
    except ImportError as error:
        message = "OTLP export is asked for, but its exporter is not installed"
        raise NotConfigured(message, fix="install opentelemetry-exporter-otlp-proto-http") from error
    exporter = getattr(found, name)
    return exporter()


def _unknown(*, variable: str) -> NotConfigured:
    return NotConfigured(
        f"{variable} names an exporter the hub does not know", fix="use none, console or otlp"
    )
