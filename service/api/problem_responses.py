"""Every error that a route raises, as a problem JSON response."""

from http import HTTPStatus

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from redis.exceptions import RedisError
from starlette.exceptions import HTTPException
from starlette.routing import BaseRoute, Match

from imaging.errors import ImagingError
from inference.errors import InferenceError
from service.errors import LaterError, QueueFullError, ServiceError
from service.problems import MEDIA_TYPE, Problem, named_problem, problem_of

# Seconds after which the same request is worth another try.
RETRY_AFTER = {429: "5", 503: "5"}
_METHODS = ("DELETE", "GET", "HEAD", "PATCH", "POST", "PUT")


def problem_response(problem: Problem, *, retry_after_s: int | None = None) -> JSONResponse:
    headers = {}
    if wait := RETRY_AFTER.get(problem.status) if retry_after_s is None else str(retry_after_s):
        headers["Retry-After"] = wait
    if problem.status == HTTPStatus.UNAUTHORIZED:
        headers["WWW-Authenticate"] = "Bearer"  # RFC 9110 11.6.1
    return JSONResponse(problem.model_dump(), problem.status, headers, MEDIA_TYPE)


def install_error_handlers(app: FastAPI) -> None:
    for kind in (ImagingError, InferenceError, ServiceError, RedisError):
        app.exception_handler(kind)(_answer_ours)
    app.exception_handler(LaterError)(_answer_later)
    app.exception_handler(QueueFullError)(_answer_full)
    app.exception_handler(HTTPException)(_answer_http)
    app.exception_handler(RequestValidationError)(_answer_validation)


async def _answer_ours(_request: Request, error: Exception) -> JSONResponse:
    return problem_response(problem_of(error))


async def _answer_later(_request: Request, error: LaterError) -> JSONResponse:
    return problem_response(problem_of(error), retry_after_s=error.retry_after_s)


async def _answer_full(request: Request, error: QueueFullError) -> JSONResponse:
    outlook = await request.app.state.services.forecaster.outlook()
    return problem_response(problem_of(error), retry_after_s=outlook.retry_after_s())


async def _answer_http(request: Request, error: HTTPException) -> JSONResponse:
    phrase = HTTPStatus(error.status_code).phrase
    detail = f"{request.method} {request.url.path}: {phrase.lower()}; /docs lists what there is"
    response = problem_response(named_problem(phrase.title().replace(" ", ""), error.status_code, detail))
    response.headers.update(error.headers or {})
    if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        response.headers["Allow"] = _allowed(request)
    return response


def _allowed(request: Request) -> str:
    """The methods of all routes of that path: the router's own answer names those of the first one alone."""
    routes: list[BaseRoute] = request.app.routes

    def is_known(method: str) -> bool:
        return any(route.matches({**request.scope, "method": method})[0] == Match.FULL for route in routes)

    return ", ".join(method for method in _METHODS if is_known(method))


async def _answer_validation(_request: Request, error: RequestValidationError) -> JSONResponse:
    # The value itself is left out: it may be anything, of any length.
    found = [
        {"where": ".".join(str(part) for part in item["loc"]), "message": item["msg"]}
        for item in error.errors()
    ]
    detail = "; ".join(f"{item['where']}: {item['message']}" for item in found)
    return problem_response(named_problem("InvalidParameterError", 422, detail, errors=found))
