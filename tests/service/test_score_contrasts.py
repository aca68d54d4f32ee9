"""Several co-registered files of one patient, from the request to the result."""

import gzip
import zipfile
from collections.abc import AsyncIterator
from io import BytesIO
from pathlib import Path
from typing import Any

import httpx
import nibabel
import numpy as np
import pytest
import pytest_asyncio

from service.settings import Settings
from tests.imaging.dicom_builder import slice_bytes
from tests.service.bundle_builder import make_bundle
from tests.service.running_app import running_app, running_worker
from tests.service.uploads_builder import nifti_bytes

pytestmark = pytest.mark.asyncio

WAIT = {"Prefer": "wait=60"}
FLAIR, T1 = nifti_bytes(1), nifti_bytes(2)


@pytest.fixture
def two_models(settings: Settings, tmp_path: Path) -> Settings:
    """`tiny` takes single pictures, `brain` takes FLAIR and T1."""
    make_bundle(tmp_path / "bundles")
    make_bundle(tmp_path / "bundles", name="brain", channels=2, contrasts=("FLAIR", "T1"))
    return settings.model_copy(update={"bundles": (tmp_path / "bundles",)})


@pytest_asyncio.fixture
async def api(two_models: Settings, redis_url: str) -> AsyncIterator[httpx.AsyncClient]:
    async with running_app(two_models, redis_url) as client:
        yield client


@pytest_asyncio.fixture
async def service(two_models: Settings, redis_url: str) -> AsyncIterator[httpx.AsyncClient]:
    async with running_app(two_models, redis_url) as client, running_worker(two_models, redis_url):
        yield client


def files(*parts: tuple[str, bytes]) -> list[tuple[str, tuple[str, bytes]]]:
    return [(field, ("any.nii", content)) for field, content in parts]


async def job(client: httpx.AsyncClient, *parts: tuple[str, bytes], **options: str) -> dict[str, Any]:
    response = await client.post("/score", files=files(*parts), params=options)
    return {"status": response.status_code, **response.json()}


async def test_the_fields_names_choose_the_model_that_takes_them(api: httpx.AsyncClient):
    assert (await job(api, ("flair", FLAIR), ("t1", T1)))["model"] == "brain@1.0.0"
    assert (await job(api, ("file", FLAIR)))["model"] == "tiny@1.0.0"


async def test_the_order_of_the_files_makes_no_other_job_but_their_contrast_does(api: httpx.AsyncClient):
    first = await job(api, ("FLAIR", FLAIR), ("T1", T1))
    again = await job(api, ("t1", T1), ("flair", FLAIR), model="brain")
    exchanged = await job(api, ("FLAIR", T1), ("T1", FLAIR))
    assert first["job_id"] == again["job_id"] != exchanged["job_id"]


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        (["FLAIR"], "brain also takes T1; send each file in a form field of its contrast's name: FLAIR, T1"),
        (["FLAIR", "T2"], "brain takes 2 contrasts, and the form field 'T2' is none of them"),
        (["file", "file"], "the form field 'file' is none of them"),
    ],
)
async def test_wrong_contrasts_are_named_with_the_right_ones(
    api: httpx.AsyncClient, fields: list[str], words: str
):
    problem = await job(api, *((field, FLAIR) for field in fields), model="brain")
    assert (problem["status"], problem["type"]) == (422, "urn:atypia:problem:wrong-contrasts")
    assert words in problem["detail"]


async def test_a_raw_body_is_no_contrast(api: httpx.AsyncClient):
    response = await api.post("/score?model=brain", content=FLAIR)
    assert (response.status_code, response.json()["title"]) == (422, "Wrong contrasts")


async def test_grids_of_other_sizes_are_refused_at_once(api: httpx.AsyncClient):
    problem = await job(api, ("FLAIR", FLAIR), ("T1", nifti_bytes(2, (20, 24, 6))))
    assert (problem["status"], problem["type"]) == (422, "urn:atypia:problem:mismatched-grids")
    assert "T1 has 20 x 24 x 6 voxels, FLAIR has 20 x 24 x 5; resample it onto the grid" in problem["detail"]


async def test_contrasts_that_nobody_takes_are_several_images(api: httpx.AsyncClient):
    problem = await job(api, ("T2", FLAIR), ("DWI", T1))
    assert (problem["status"], "2 other images; send one image" in problem["detail"]) == (400, True)


async def test_a_model_says_which_contrasts_it_takes(api: httpx.AsyncClient):
    assert (await api.get("/models/brain")).json()["contrasts"] == ["FLAIR", "T1"]
    assert (await api.get("/models/tiny")).json()["contrasts"] == []


async def test_contrasts_get_one_score_and_one_map_on_their_grid(service: httpx.AsyncClient):
    response = await service.post("/score", files=files(("T1", T1), ("FLAIR", FLAIR)), headers=WAIT)
    result = response.json()
    assert (response.status_code, result["model"], len(result["slices"])) == (200, "brain@1.0.0", 5)
    overlay = result["links"]["overlay"]
    assert (await service.get(overlay, params={"slice": 2})).headers["content-type"] == "image/png"
    found = nibabel.Nifti1Image.from_bytes(await unpacked_map(service, result))
    assert found.shape == (20, 24, 5)
    np.testing.assert_allclose(found.affine, nibabel.Nifti1Image.from_bytes(FLAIR).affine)


async def unpacked_map(client: httpx.AsyncClient, result: dict[str, Any]) -> bytes:
    return gzip.decompress((await client.get(result["links"]["anomaly_map"])).content)


async def test_what_only_one_contrast_shows_is_half_as_loud(service: httpx.AsyncClient):
    def spot(shown: bool) -> bytes:
        voxels = np.zeros((32, 32, 3), np.uint8)
        voxels[10:14, 10:14, 1] = 200 * shown
        return nibabel.Nifti1Image(voxels, np.diag([-1.0, 1, 1, 1])).to_bytes()

    scores = []
    for second in (True, False):
        sent = files(("FLAIR", spot(True)), ("T1", spot(second)))
        scores.append((await service.post("/score", files=sent, headers=WAIT)).json()["score"])
    assert scores[1] == pytest.approx(scores[0] / 2)


async def test_two_dicom_series_are_two_contrasts(service: httpx.AsyncClient):
    sent = files(*(("FLAIR", slice_bytes(5.0 * n, n)) for n in range(3)))
    sent += files(*(("T1", slice_bytes(5.0 * n, 9 + n)) for n in reversed(range(3))))
    result = (await service.post("/score?scope=warn", files=sent, headers=WAIT)).json()
    assert (result["model"], len(result["slices"])) == ("brain@1.0.0", 3)
    assert all(part["sop_instance_uid"] for part in result["slices"])


async def test_a_zip_of_a_series_is_a_contrast_too(service: httpx.AsyncClient):
    def zipped(seed: int) -> bytes:
        out = BytesIO()
        with zipfile.ZipFile(out, "w") as archive:
            for number in range(3):
                archive.writestr(f"{number}.dcm", slice_bytes(5.0 * number, seed + number))
        return out.getvalue()

    sent = files(("FLAIR", zipped(0)), ("T1", zipped(9)))
    result = (await service.post("/score?scope=warn", files=sent, headers=WAIT)).json()
    assert (result["model"], len(result["slices"])) == ("brain@1.0.0", 3)


async def test_grids_that_lie_apart_fail_the_job_with_the_distance(service: httpx.AsyncClient):
    aside = nibabel.Nifti1Image.from_bytes(T1)
    aside.affine[0, 3] += 4
    other = nibabel.Nifti1Image(np.asarray(aside.dataobj), aside.affine).to_bytes()
    response = await service.post("/score", files=files(("FLAIR", FLAIR), ("T1", other)), headers=WAIT)
    assert response.status_code == 422
    assert (
        "T1 lies up to 4 mm off FLAIR, 0.15 mm are allowed; register it to FLAIR" in response.json()["detail"]
    )
