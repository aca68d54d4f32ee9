"""Each request as a span, under the sender's own trace where it says one."""

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.tracing import TRACEPARENT, Tracing

# Asked for all the time by machines, or by the page.
_NOT_WORTH_A_SPAN = frozenset(("/healthz", "/readyz", "/metrics", "/status"))


class TracedRequests:
    """ASGI middleware; the state of a request gets its `traceparent`, "" where nobody listens."""

    def __init__(self, app: ASGIApp, tracing: Tracing) -> None:
        self._app = app
        self._tracing = tracing

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] in _NOT_WORTH_A_SPAN:
            await self._app(scope, receive, send)
            return
        parent = Headers(scope=scope).get(TRACEPARENT)
        with self._tracing.span("request", kind="server", parent=parent) as span:
            state = scope.setdefault("state", {})
            state[TRACEPARENT] = span.traceparent

            async def watch(message: Message) -> None:
                if message["type"] == "http.response.start":
                    span.note(status=message["status"])
                await send(message)

            await self._app(scope, receive, watch)
            # The route's pattern: a path may hold whatever its sender likes.
            span.note(method=scope["method"], route=getattr(scope.get("route"), "path", "none"))
            if job_id := state.get("job_id"):
                span.note(job_id=job_id)
