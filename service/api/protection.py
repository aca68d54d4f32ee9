"""What every answer carries for its own safety, and its request's id."""

import re
import secrets

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

# The API answers with data; nothing in it is to be run, framed or guessed at.
_API_POLICY = "default-src 'none'; frame-ancestors 'none'"
# The page of /docs comes whole from here, and starts itself with a script of its own.
_DOCS_POLICY = (
    "default-src 'self'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data:; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
)
# The reading page runs nothing but its own files; its decoder and its 3-D view need WebAssembly and blobs.
_PAGE_POLICY = (
    "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; img-src 'self' blob: data:; "
    "connect-src 'self' blob: data:; worker-src 'self' blob:; font-src 'self'; manifest-src 'self'; "
    "frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
)
_DOCS = ("/docs", "/static-offline-docs")
_ASSETS = "/assets/"
_ALWAYS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
}
_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")


class ProtectedAnswers:
    """ASGI middleware: security headers, `Cache-Control: no-store` for what is somebody's, a request id."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = _request_id(scope)
        scope.setdefault("state", {})["request_id"] = request_id

        async def protect(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers["X-Request-ID"] = request_id
                path = scope["path"]
                headers["Content-Security-Policy"] = _policy(path)
                headers.update(_ALWAYS)
                if not path.startswith(_DOCS):
                    headers.setdefault("Cache-Control", "no-store")
            await send(message)

        await self._app(scope, receive, protect)


def _policy(path: str) -> str:
    if path.startswith(_DOCS):
        return _DOCS_POLICY
    return _PAGE_POLICY if path == "/" or path.startswith(_ASSETS) else _API_POLICY


def _request_id(scope: Scope) -> str:
    """The caller's own id, where it is short and plain, so that both logs can be laid side by side."""
    for name, value in scope["headers"]:
        if name == b"x-request-id" and _REQUEST_ID.fullmatch(value.decode("latin-1")):
            return str(value.decode("latin-1"))
    return secrets.token_hex(8)
