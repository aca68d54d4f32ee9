"""Commands of the integrations: found by name when asked for, since the service imports none of them."""

import importlib

from service.errors import MissingExtraError


def run_integration(module: str, *arguments: object, extra: str, **options: object) -> None:
    """Call `run` of the module with the arguments and options.

    Raises:
        MissingExtraError: What it needs is not installed.
    """
    try:
        command = importlib.import_module(module)
    except ModuleNotFoundError as error:
        raise MissingExtraError(
            f"{error.name} is not installed; run: pip install 'atypia[{extra}]'"
        ) from error
    command.run(*arguments, **options)
