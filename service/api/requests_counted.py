"""The outermost layer of the application: counts requests, and turns what nobody expected into a problem."""

from prometheus_client import CollectorRegistry, Counter
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.api.problem_responses import problem_response
from service.failure_log import log_failure
from service.problems import problem_of

_CLIENT_CLOSED = 499  # what access logs call it; nobody reads the answer


class RequestCounter:
    """Requests by method, route and status."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._requests = Counter(
            "atypia_http_requests", "HTTP requests", ("method", "route", "status"), registry=self.registry
        )

    def count(self, scope: Scope, status: int) -> None:
        # The route's pattern, not the path: a path holds ids, and anything that a client makes up.
        self._requests.labels(scope["method"], _route(scope), str(status)).inc()


class CountedRequests:
    """ASGI middleware."""

    def __init__(self, app: ASGIApp, counter: RequestCounter) -> None:
        self._app = app
        self._counter = counter

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        status = 0

        async def watch(message: Message) -> None:
            nonlocal status
            status = message.get("status", status)
            await send(message)

        try:
            await self._app(scope, receive, watch)
        except ClientDisconnect:
            status = _CLIENT_CLOSED
        except Exception as error:
            # One of the edges where every error becomes a problem.
            log_failure(error, where=_where(scope))
            if status:
                raise
            await problem_response(problem_of(error))(scope, receive, watch)
        finally:
            self._counter.count(scope, status)


def _where(scope: Scope) -> str:
    return f"request {scope.get('state', {}).get('request_id')}: {scope['method']} {_route(scope)}"


def _route(scope: Scope) -> str:
    return getattr(scope.get("route"), "path", "none")
