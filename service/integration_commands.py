"""Commands of the integrations: found by name when asked for, since the service imports none of them."""

import importlib
from pathlib import Path

from service.errors import MissingExtraError


def run_integration(module: str, settings_file: Path, *, extra: str) -> None:
    """Call `run(settings_file)` of the module.

    Raises:
        MissingExtraError: What it needs is not installed.
    """
    try:
        command = importlib.import_module(module)
    except ModuleNotFoundError as error:
        raise MissingExtraError(
            f"{error.name} is not installed; run: pip install 'atypia[{extra}]'"
        ) from error
    command.run(settings_file)
