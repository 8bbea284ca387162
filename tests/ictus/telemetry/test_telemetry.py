"""Metrics of a process behind a port, and traces that go on in another process."""

import io
import json
import logging
import urllib.request
from collections.abc import Iterator

import pytest
import structlog
from fastapi import FastAPI
from fastapi.testclient import TestClient
from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from prometheus_client import Counter

from ictus.http import FRAMEWORK_TELEMETRY, RequestContextMiddleware, ServiceClient
from ictus.telemetry import MetricsServer, configure_logging, present_traceparent, process_registry, span


@pytest.fixture(scope="module")
def exporter() -> InMemorySpanExporter:
    """Takes the spans of this process; OpenTelemetry takes one provider for good."""
    taken = InMemorySpanExporter()
    provider = trace.get_tracer_provider()
    if not isinstance(provider, TracerProvider):
        provider = TracerProvider()
        trace.set_tracer_provider(provider)
    provider.add_span_processor(SimpleSpanProcessor(taken))
    return taken


@pytest.fixture
def spans(exporter: InMemorySpanExporter) -> Iterator[InMemorySpanExporter]:
    exporter.clear()
    yield exporter


def named(spans: InMemorySpanExporter, name: str) -> ReadableSpan:
    (found,) = [one for one in spans.get_finished_spans() if one.name == name]
    return found


def test_a_process_tells_its_metrics_at_its_port_and_no_longer_once_it_ends() -> None:
    registry = process_registry()
    Counter("ictus_test_things", "Things.", registry=registry).inc(3)
    with MetricsServer(registry, port=0) as server:
        address = f"http://127.0.0.1:{server.port}/metrics"
        with urllib.request.urlopen(address, timeout=5) as answer:
            told = answer.read().decode()
        assert "ictus_test_things_total 3.0" in told
        assert "process_resident_memory_bytes" in told
    with pytest.raises(OSError, match="refused"):
        urllib.request.urlopen(address, timeout=5)


def test_a_process_without_a_port_does_not_listen() -> None:
    with MetricsServer(process_registry(), port=None) as server:
        assert server.port is None


def test_work_that_is_kept_goes_on_in_the_trace_that_began_it(spans: InMemorySpanExporter) -> None:
    with span("upload"):
        kept = present_traceparent()
    assert present_traceparent() is None
    with span("analyse", traceparent=kept):
        pass
    begun, gone_on = named(spans, "upload"), named(spans, "analyse")
    assert gone_on.context.trace_id == begun.context.trace_id
    assert gone_on.parent is not None
    assert gone_on.parent.span_id == begun.context.span_id


def test_a_failed_span_names_the_error_and_not_what_it_quotes(spans: InMemorySpanExporter) -> None:
    with pytest.raises(ValueError, match="MUSTERMANN"), span("parse"):
        raise ValueError("PatientName MUSTERMANN^ERIKA")
    failed = named(spans, "parse")
    assert failed.status.status_code is trace.StatusCode.ERROR
    assert "MUSTERMANN" not in failed.to_json()


def test_a_request_is_a_span_named_by_its_route_in_the_callers_trace(spans: InMemorySpanExporter) -> None:
    app = FastAPI(telemetry=FRAMEWORK_TELEMETRY)
    app.add_middleware(RequestContextMiddleware)

    @app.get("/things/{name}")
    def read(name: str) -> dict[str, str]:
        return {"name": name}

    with TestClient(app) as browser, span("caller") as caller:
        kept = present_traceparent()
        assert kept is not None
        answer = browser.get("/things/mustermann", headers={"traceparent": kept})
    assert answer.status_code == 200
    served = named(spans, "GET /things/{name}")
    assert served.context.trace_id == caller.get_span_context().trace_id
    assert served.attributes is not None
    assert served.attributes["http.response.status_code"] == 200
    assert "mustermann" not in served.to_json()


def test_a_call_to_another_service_carries_the_trace(spans: InMemorySpanExporter) -> None:
    app = FastAPI(telemetry=FRAMEWORK_TELEMETRY)
    app.add_middleware(RequestContextMiddleware)

    @app.post("/told", status_code=204)
    def told() -> None: ...

    with TestClient(app) as other, span("relay") as relay:
        client = ServiceClient("http://testserver", "token", transport=other._transport)
        client.tell("POST", "/told")
    assert named(spans, "POST /told").context.trace_id == relay.get_span_context().trace_id


def test_a_log_line_names_its_trace(spans: InMemorySpanExporter) -> None:
    written = io.StringIO()
    root = logging.getLogger()
    before = root.handlers[:]
    configure_logging("telemetry-tests", stream=written)
    try:
        with span("work") as work:
            structlog.get_logger("telemetry-tests").info("worked")
    finally:
        root.handlers[:] = before
    line = json.loads(written.getvalue().splitlines()[-1])
    assert line["trace_id"] == trace.format_trace_id(work.get_span_context().trace_id)
