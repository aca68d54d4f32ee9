"""Every file of the corpus against the readers, in the real sandbox, under tight limits."""

import asyncio
import resource
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from imaging.errors import ImagingError
from imaging.limits import Limits
from imaging.read import Header
from service.images import decode_upload, inspect_upload
from service.sandbox import Sandbox
from tests.hostile.corpus import corpus

MIB = 2**20
LIMITS = Limits(max_decoded_bytes=256 * MIB)
MOST_MEMORY_BYTES = 900 * MIB
CORPUS = corpus()


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    sandbox = Sandbox(timeout_s=30, memory_bytes=2048 * MIB)
    yield sandbox
    sandbox.close()


def peak_memory_bytes() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def refusal(sandbox: Sandbox, look: object, *arguments: object) -> type[Exception] | None:
    """What is raised; what is returned instead must be an image or a header."""
    try:
        found = asyncio.run(sandbox.call(look, *arguments))  # type: ignore[arg-type]
    except ImagingError as error:
        assert "SECRET" not in str(error) and len(str(error)) < 400
        return type(error)
    if not isinstance(found, Header):
        assert np.isfinite(found.pixels).all() and found.pixels.dtype == np.float32
        assert np.isfinite(found.affine).all()
    return None


@pytest.mark.parametrize("name", CORPUS)
def test_it_is_refused_by_name_or_is_an_image_within_time_and_memory(
    sandbox: Sandbox, tmp_path: Path, name: str
):
    hostile = CORPUS[name]
    for number, part in enumerate(hostile.parts):
        (tmp_path / str(number)).write_bytes(part)
    keys = {"": [str(number) for number in range(len(hostile.parts))]}
    looked = refusal(sandbox, inspect_upload, tmp_path, keys, LIMITS)
    assert refusal(sandbox, decode_upload, tmp_path, keys, LIMITS) is hostile.refusal
    assert looked in (None, hostile.refusal), "inspection refuses nothing that reading takes"
    assert asyncio.run(sandbox.call(peak_memory_bytes)) < MOST_MEMORY_BYTES
