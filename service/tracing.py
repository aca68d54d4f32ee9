"""Traces across the API and the workers, sent to an OpenTelemetry collector, where the settings name one.

A job's record carries its sender's trace (W3C Trace Context, `traceparent`), so that what a worker does
stands under the request that asked for it. Spans hold ids, models, sizes and states, and never a patient's
data.
"""

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from typing import Any, Literal

from service.settings import Settings

TRACEPARENT = "traceparent"
Kind = Literal["server", "consumer", "internal"]

# A process that stops has its own end to keep to, and a collector that is away has none.
LONGEST_CLOSE_S = 3.0


class Span:
    """What is said of one piece of work; here nobody listens."""

    traceparent = ""

    def note(self, **attributes: str | int | float) -> None:
        """Add attributes, whose names get the prefix `atypia.`."""


class Tracing:
    """The spans of one process; this one makes none."""

    @contextmanager
    def span(
        self,
        _name: str,
        *,
        kind: Kind = "internal",  # noqa: ARG002  # for those who listen
        parent: str | None = None,  # noqa: ARG002
        since: datetime | None = None,  # noqa: ARG002
    ) -> Iterator[Span]:
        """A span while the block runs.

        Args:
            parent: The `traceparent` of another process; by default the span that this one lies in.
            since: When it began, if that was earlier.
        """
        yield Span()

    def close(self) -> None:
        """Send what is left, as far as a collector takes it within `LONGEST_CLOSE_S`."""


def open_tracing(settings: Settings, *, role: str) -> Tracing:
    """The tracing of this process, under the name `atypia-ROLE`.

    Raises:
        ValueError: A collector is named, and the packages that speak with it are not there.
    """
    return _Exporting(settings.traces_url, role) if settings.traces_url else Tracing()


class _Exporting(Tracing):
    def __init__(self, url: str, role: str) -> None:
        # Optional packages, and tens of megabytes that most services never need.
        try:
            from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415
            from opentelemetry.sdk.resources import Resource  # noqa: PLC0415
            from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415
            from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415
        except ImportError as error:
            raise ValueError(
                "ATYPIA_TRACES_URL needs OpenTelemetry: pip install 'atypia[tracing]'"
            ) from error
        self._provider = TracerProvider(
            resource=Resource.create({"service.name": f"atypia-{role}"}), shutdown_on_exit=False
        )
        self._provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(url)))
        self._tracer = self._provider.get_tracer("atypia")

    @contextmanager
    def span(
        self,
        name: str,
        *,
        kind: Kind = "internal",
        parent: str | None = None,
        since: datetime | None = None,
    ) -> Iterator[Span]:
        from opentelemetry import trace  # noqa: PLC0415
        from opentelemetry.trace.propagation.tracecontext import (  # noqa: PLC0415
            TraceContextTextMapPropagator,
        )

        propagator = TraceContextTextMapPropagator()
        with self._tracer.start_as_current_span(
            name,
            context=propagator.extract({TRACEPARENT: parent}) if parent else None,
            kind=trace.SpanKind[kind.upper()],
            start_time=int(since.timestamp() * 1e9) if since else None,
            # An exception's text may quote the file that caused it.
            record_exception=False,
            set_status_on_exception=False,
        ) as span:
            carrier: dict[str, str] = {}
            propagator.inject(carrier)
            yield _ExportedSpan(span, carrier)

    def close(self) -> None:
        # OpenTelemetry's own limit is 30 s, and a batch is tried again for ten.
        closing = threading.Thread(target=self._provider.shutdown, daemon=True)
        closing.start()
        closing.join(LONGEST_CLOSE_S)


class _ExportedSpan(Span):
    def __init__(self, span: Any, carrier: Mapping[str, str]) -> None:
        self._span = span
        self.traceparent = carrier.get(TRACEPARENT, "")

    def note(self, **attributes: str | int | float) -> None:
        self._span.set_attributes({f"atypia.{name}": value for name, value in attributes.items()})
