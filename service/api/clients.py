"""Who sends a request, as far as limits are concerned."""

from starlette.requests import Request


def client_of(request: Request) -> str:
    """The client's address; every request without one, as through a Unix socket, is of one client."""
    return request.client.host if request.client else "local"
