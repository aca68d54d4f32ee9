"""Skipping tests that need a package of the system: a word on a user's machine, a failure in CI."""

import os
from typing import NoReturn

import pytest


def lacking(package: str) -> NoReturn:
    """Skip the test, or fail it where `CI=true` promises that the package is there."""
    reason = f"no {package} on this machine"
    if os.environ.get("CI") == "true":
        pytest.fail(f"{reason}, but CI must install it")
    pytest.skip(reason)
