"""Who sends a request, as far as limits are concerned."""

from starlette.requests import Request

from service.access.principal import Principal


def client_of(request: Request) -> str:
    """Whose key it is; without one the client's address, and all without that are one client."""
    principal: Principal | None = getattr(request.state, "principal", None)
    if principal is not None and principal.owner:
        return principal.owner
    return request.client.host if request.client else "local"
