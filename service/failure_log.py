"""How an unexpected error is logged: where it happened, never what it says, for that may quote a patient."""

import logging
import traceback

logger = logging.getLogger(__name__)


def log_failure(error: BaseException, *, where: str) -> None:
    """Write one line with the error's type and the code's path to it."""
    frames = traceback.extract_tb(error.__traceback__)
    path = " > ".join(
        f"{frame.filename.rsplit('/', 1)[-1]}:{frame.lineno} {frame.name}" for frame in frames[-8:]
    )
    logger.error("%s failed: %s at %s", where, type(error).__name__, path)
