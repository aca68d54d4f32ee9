"""Asking until there is an answer: what may be tried again is, for as long as the patience lasts."""

import json
from typing import Any

import httpx

from service.remote.errors import Problem, UnexpectedAnswerError, UnreachableError, error_of
from service.remote.exchange import Answer, Exchange, Flow, Pause

# After a connection that failed; the last try's error is told.
_PAUSES_S = (0.3, 1.0, 3.0)
_DEFAULT_RETRY_AFTER_S = 5.0
_LATER = (429, 503)


def ask(exchange: Exchange, *, patience_s: float = 0, is_repeatable: bool = True) -> Flow[Answer]:
    """A successful answer.

    Args:
        patience_s: Time to spend in all on waiting where the service says "later".
        is_repeatable: Whether the request may be sent again although it may have arrived.

    Raises:
        UnreachableError: No answer came.
        ProblemError: Another answer came, as its kind for the status.
    """
    pauses = list(_PAUSES_S)
    while True:
        try:
            answer = yield exchange
        except httpx.RequestError as error:
            may_repeat = is_repeatable or isinstance(error, httpx.ConnectError | httpx.ConnectTimeout)
            if not may_repeat or not pauses:
                raise UnreachableError(f"the service does not answer: {_words(error)}") from error
            yield Pause(pauses.pop(0))
            continue
        if answer.is_success:
            return answer
        problem = problem_of(answer)
        wait_s = _retry_after_s(answer)
        # A failed job's own problem, told as its result, will be the same then.
        if answer.status not in _LATER or "job_id" in problem.members or wait_s > patience_s:
            raise error_of(problem)
        patience_s -= wait_s
        yield Pause(wait_s)


def json_of(answer: Answer) -> Any:
    """The answer's JSON.

    Raises:
        UnexpectedAnswerError: It is none.
    """
    try:
        return json.loads(answer.content)
    except ValueError as error:
        kind = answer.headers.get("content-type", "nothing")
        raise UnexpectedAnswerError(
            f"the answer is {kind}, not JSON; is the address that of the service?"
        ) from error


def problem_of(answer: Answer) -> Problem:
    try:
        content = json.loads(answer.content)
    except ValueError:
        content = None
    return Problem.of(content, answer.status)


def _retry_after_s(answer: Answer) -> float:
    # The other form, a date, is a proxy's (RFC 9110 10.2.3).
    text = answer.headers.get("retry-after", "")
    return float(text) if text.isdecimal() else _DEFAULT_RETRY_AFTER_S


def _words(error: httpx.RequestError) -> str:
    return str(error) or type(error).__name__
