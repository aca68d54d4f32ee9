"""Skipping tests that need a package of the system: a word on a user's machine, a failure in CI."""

import os
import shutil
import sys
from pathlib import Path
from typing import NoReturn

import pytest


def lacking(package: str) -> NoReturn:
    """Skip the test, or fail it where `CI=true` promises that the package is there."""
    reason = f"no {package} on this machine"
    if os.environ.get("CI") == "true":
        pytest.fail(f"{reason}, but CI must install it")
    pytest.skip(reason)


def program(name: str, package: str) -> str:
    """The path of a program that a Python package brings, or the system."""
    # A virtual environment that is not activated is not on the path.
    found = shutil.which(name, path=str(Path(sys.executable).parent)) or shutil.which(name)
    return found or lacking(f"{name} (of {package})")
