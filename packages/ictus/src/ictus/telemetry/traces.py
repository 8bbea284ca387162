"""OpenTelemetry traces across processes: HTTP calls carry them as W3C ``traceparent``, jobs carry them in their row.

Spans hold ids, counts, codes and route templates, as logs do; nothing that a patient or a person sent. Where nobody
collects traces (no endpoint), spans cost next to nothing and are not recorded.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Final

from opentelemetry import propagate, trace
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter
from opentelemetry.trace import Span, SpanKind
from structlog.typing import EventDict, WrappedLogger

_HEADER: Final = "traceparent"
_TRACER: Final = trace.get_tracer("ictus")


def configure_tracing(service: str, endpoint: str | None, exporter: SpanExporter | None = None) -> None:
    """Send this process' spans to an OTLP collector, in the background. Call once, in an entry point.

    Args:
        service: the name that every span carries.
        endpoint: the collector's HTTP address, e.g. ``http://collector:4318/v1/traces``; None records nothing.
        exporter: takes the spans in place of the collector.
    """
    if exporter is None:
        if endpoint is None:
            return
        exporter = OTLPSpanExporter(endpoint)
    provider = TracerProvider(resource=Resource.create({"service.name": service}))
    provider.add_span_processor(BatchSpanProcessor(exporter))
    trace.set_tracer_provider(provider)


def present_traceparent() -> str | None:
    """The present span as W3C ``traceparent``, to be kept with work that goes on elsewhere; None outside a trace."""
    carrier: dict[str, str] = {}
    propagate.inject(carrier)
    return carrier.get(_HEADER)


@contextmanager
def span(
    name: str,
    *,
    traceparent: str | None = None,
    kind: SpanKind = SpanKind.INTERNAL,
    attributes: Mapping[str, str | int | float | bool] | None = None,
) -> Iterator[Span]:
    """A span around the block, part of the present trace, or of the one that ``traceparent`` names.

    An exception that leaves the block marks the span as failed by its class; its message, which may quote a value,
    is not kept.
    """
    parent: Context | None = propagate.extract({_HEADER: traceparent}) if traceparent else None
    with _TRACER.start_as_current_span(
        name,
        context=parent,
        kind=kind,
        attributes=attributes,
        record_exception=False,
        set_status_on_exception=False,
    ) as started:
        try:
            yield started
        except Exception as error:
            started.set_status(trace.StatusCode.ERROR, type(error).__name__)
            raise


def name_trace(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Give a log line the ids of the present span, so that a trace and its lines are found by each other."""
    context = trace.get_current_span().get_span_context()
    if context.is_valid:
        event["trace_id"] = trace.format_trace_id(context.trace_id)
        event["span_id"] = trace.format_span_id(context.span_id)
    return event
