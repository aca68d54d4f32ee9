"""Uploads through the application and a real worker, both in this process."""

import asyncio
import gzip
import io
import json
import zipfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import nibabel
import numpy as np
import pytest
import pytest_asyncio
from PIL import Image as PillowImage

from service.errors import StoreUnreachableError
from service.folder_store import FolderStore
from service.settings import Settings
from tests.service.running_app import running_app, running_worker
from tests.service.uploads_builder import (
    ct_slices,
    ct_zip,
    grey,
    monochrome1_bytes,
    nifti_bytes,
    png_bytes,
)

pytestmark = pytest.mark.asyncio

WAIT = {"Prefer": "wait=60"}


@pytest_asyncio.fixture
async def client(settings: Settings, redis_url: str) -> AsyncIterator[httpx.AsyncClient]:
    async with running_app(settings, redis_url) as client, running_worker(settings, redis_url):
        yield client


async def anomaly_map(client: httpx.AsyncClient, result: dict[str, Any]) -> nibabel.Nifti1Image:
    response = await client.get(result["links"]["anomaly_map"])
    assert response.headers["content-type"] == "application/gzip"
    return nibabel.Nifti1Image.from_bytes(gzip.decompress(response.content))


async def test_a_result_holds_every_field_of_the_contract(client: httpx.AsyncClient):
    response = await client.post("/score?model=tiny", content=png_bytes(), headers=WAIT)
    result = response.json()
    assert (response.status_code, response.headers["preference-applied"]) == (200, "wait=60")
    assert set(result) == {
        *(
            "job_id",
            "model",
            "bundle_digest",
            "variant",
            "score",
            "percentile",
            "p_value",
            "decisions",
            "pred_label",
        ),
        *("grid", "slices", "findings", "warnings", "timings_ms", "links", "intended_use"),
    }
    assert result["model"] == "tiny@1.0.0" and "Research use only" in result["intended_use"]
    assert [decision["operating_point"] for decision in result["decisions"]] == ["fa-1", "fa-5", "fa-10"]
    assert result["decisions"][1] == {
        "operating_point": "fa-5",
        "false_alarm_rate": 0.05,
        "threshold": 0.024,
        "flagged": result["pred_label"],
    }
    assert result["grid"] == {"shape": [48, 40, 1], "axes": [0, 1, 2], "flips": [False] * 3}
    assert result["slices"] == [{"index": 0, "score": result["score"], "sop_instance_uid": None}]
    stages = {"decode", "prepare", "infer", "finish", "render", "deidentify", "keep", "total"}
    assert set(result["timings_ms"]) == stages


async def test_a_done_jobs_summary_says_what_its_result_says(client: httpx.AsyncClient):
    result = (await client.post("/score", content=nifti_bytes(), headers=WAIT)).json()
    [job] = (await client.get("/jobs")).json()
    assert job["summary"] == {
        **{name: result[name] for name in ("score", "percentile", "p_value", "pred_label")},
        **{name: len(result[name]) for name in ("findings", "warnings", "slices")},
        "in_scope": True,
    }
    assert job["summary"]["slices"] == 5


async def test_a_list_says_of_a_score_out_of_scope_that_it_is(client: httpx.AsyncClient):
    await client.post("/score?model=tiny-us&scope=warn", content=monochrome1_bytes(), headers=WAIT)
    [job] = (await client.get("/jobs")).json()
    assert job["summary"]["in_scope"] is False


async def test_noise_is_flagged_and_found_while_a_ramp_is_not(client: httpx.AsyncClient):
    out = io.BytesIO()
    PillowImage.fromarray(np.tile(np.arange(64, dtype=np.uint8), (64, 1))).save(out, "PNG")
    noise = (await client.post("/score", content=png_bytes(), headers=WAIT)).json()
    ramp = (await client.post("/score", content=out.getvalue(), headers=WAIT)).json()
    assert (noise["pred_label"], ramp["pred_label"]) == (True, False)
    assert noise["p_value"] == pytest.approx(1 / 101) and noise["percentile"] == 100
    assert noise["findings"] and ramp["findings"] == []
    assert noise["findings"][0]["box_mm"] is None and len(noise["findings"][0]["box_voxels"]) == 2


async def test_a_png_gets_a_map_of_its_own_pixels(client: httpx.AsyncClient):
    result = (await client.post("/score", content=png_bytes(), headers=WAIT)).json()
    assert (await anomaly_map(client, result)).shape == (48, 40, 1)


async def test_a_monochrome1_image_gets_a_map_with_its_spacing(client: httpx.AsyncClient):
    result = (await client.post("/score", content=monochrome1_bytes(), headers=WAIT)).json()
    found = await anomaly_map(client, result)
    assert found.shape == (48, 40, 1)
    np.testing.assert_allclose(found.header.get_zooms()[:2], (0.3, 0.2), rtol=1e-6)


@pytest.mark.parametrize("as_zip", [True, False])
async def test_a_ct_series_gets_a_map_on_its_own_grid(client: httpx.AsyncClient, as_zip: bool):
    files = [("f", ("x", part)) for part in ([ct_zip()] if as_zip else ct_slices())]
    result = (await client.post("/score", files=files, headers=WAIT)).json()
    found = await anomaly_map(client, result)
    assert found.shape == (3, 2, 4) and len(result["slices"]) == 4
    # Slices lie at z = 0, 5, 10, 15 mm from (10, 20) in LPS, which is (-10, -20) in NIfTI's RAS.
    np.testing.assert_allclose(found.affine @ [0, 0, 0, 1], [-10, -20, 0, 1])
    np.testing.assert_allclose(found.affine @ [2, 1, 3, 1], [-11, -22, 15, 1])
    assert all(part["sop_instance_uid"] for part in result["slices"])


async def test_a_nifti_volume_gets_a_map_with_its_own_shape_and_affine(client: httpx.AsyncClient):
    result = (await client.post("/score", content=nifti_bytes(), headers=WAIT)).json()
    found = await anomaly_map(client, result)
    assert found.shape == (20, 24, 5)
    np.testing.assert_allclose(found.affine, nibabel.Nifti1Image.from_bytes(nifti_bytes()).affine)


async def test_the_map_of_a_nifti_lies_over_what_caused_it(client: httpx.AsyncClient):
    volume = np.full((32, 32, 3), 100, np.uint8)
    volume[5:9, 20:24, 2] = grey(0, (4, 4))
    content = nibabel.Nifti1Image(volume, np.diag([-1.0, 1, 1, 1])).to_bytes()
    result = (await client.post("/score", content=content, headers=WAIT)).json()
    values = np.asarray((await anomaly_map(client, result)).dataobj)
    peak = np.unravel_index(values.argmax(), values.shape)
    assert 4 <= peak[0] <= 9 and 19 <= peak[1] <= 24 and peak[2] == 2


async def test_every_form_of_a_result_can_be_had(client: httpx.AsyncClient):
    result = (await client.post("/score", content=nifti_bytes(), headers=WAIT)).json()
    path = result["links"]["self"]
    overlay = await client.get(f"{path}/result", headers={"Accept": "image/png"})
    assert PillowImage.open(io.BytesIO(overlay.content)).format == "PNG"
    assert (await client.get(f"{path}/result.json")).json() == result
    archive = zipfile.ZipFile(io.BytesIO((await client.get(f"{path}/result.zip")).content))
    pictures = ["overlay.png", "anomaly_map.nii.gz"]
    assert archive.namelist() == [
        *("result.json", *pictures, "deidentification.json", "reconstruction.nii.gz", "fhir.json")
    ]
    assert (await client.get(f"{path}/result", headers={"Accept": "text/html"})).status_code == 406


async def test_pictures_are_made_when_they_are_first_asked_for_and_kept(
    client: httpx.AsyncClient, settings: Settings
):
    result = (await client.post("/score", content=nifti_bytes(), headers=WAIT)).json()
    folder = next(settings.store_dir.glob(f"results/{result['job_id']}/*"))
    assert {path.name for path in folder.iterdir()} == {"result.json", "kept.npy", "reconstruction.npy"}
    overlay = (await client.get(result["links"]["overlay"])).content
    assert (folder / "overlay.png").read_bytes() == overlay
    (folder / "kept.npy").unlink()
    assert (await client.get(result["links"]["overlay"])).content == overlay


async def test_any_slice_can_be_drawn_and_the_worst_is_drawn_by_default(client: httpx.AsyncClient):
    result = (await client.post("/score", content=nifti_bytes(), headers=WAIT)).json()
    worst = max(result["slices"], key=lambda part: part["score"])["index"]
    overlay = result["links"]["overlay"]
    slices = [(await client.get(overlay, params={"slice": index})).content for index in range(5)]
    assert slices[worst] == (await client.get(overlay)).content
    assert len(set(slices)) == 5
    response = await client.get(overlay, params={"slice": 5})
    assert (response.status_code, "slices 0 to 4" in response.json()["detail"]) == (422, True)


async def test_waiting_for_a_picture_gives_the_picture(client: httpx.AsyncClient):
    response = await client.post("/score", content=png_bytes(), headers={**WAIT, "Accept": "image/png"})
    assert (response.status_code, response.headers["content-type"]) == (200, "image/png")


async def test_the_same_request_twice_is_scored_once(client: httpx.AsyncClient):
    first = await client.post("/score", content=png_bytes(), headers=WAIT)
    second = await client.post("/score", files={"other": png_bytes()}, headers=WAIT)
    assert first.content == second.content
    assert 'atypia_jobs_total{state="done"} 1.0' in (await client.get("/metrics")).text


async def test_an_image_out_of_scope_is_refused_or_scored_with_a_warning(client: httpx.AsyncClient):
    content = ct_slices()[0]
    assert (await client.post("/score?model=tiny-us", content=content, headers=WAIT)).status_code == 422
    warned = await client.post("/score?model=tiny-us&scope=warn", content=content, headers=WAIT)
    assert warned.json()["warnings"] == ["out of scope: modality is CT, the model is for US"]


async def test_damage_that_only_the_decoder_finds_fails_the_job_with_its_status(client: httpx.AsyncClient):
    content = bytearray(gzip.compress(nifti_bytes()))
    content[-8:-4] = bytes(4)  # the checksum
    response = await client.post("/score", content=bytes(content), headers=WAIT)
    problem = response.json()
    assert (response.status_code, problem["type"]) == (400, "urn:atypia:problem:unreadable-image")
    job = (await client.get(f"/jobs/{problem['job_id']}")).json()
    assert (job["state"], job["error"]["status"]) == ("failed", 400)
    assert (await client.get(job["links"]["result"])).status_code == 400
    assert 'atypia_job_failures_total{problem="unreadable-image"} 1.0' in (await client.get("/metrics")).text


async def test_events_tell_of_the_job_in_order_until_it_is_done(client: httpx.AsyncClient):
    path = (await client.post("/score?model=tiny-slow", content=nifti_bytes(0, (30, 30, 60)))).headers[
        "location"
    ]
    events = (await client.get(f"{path}/events")).text.replace("\r", "").strip().split("\n\n")
    fields = [dict(line.split(": ", 1) for line in event.splitlines()) for event in events]
    jobs = [json.loads(event["data"]) for event in fields]
    assert [job["state"] for job in jobs][-1] == "done" and "running" in [job["state"] for job in jobs]
    assert [job["progress"] for job in jobs] == sorted(job["progress"] for job in jobs)
    assert [int(event["id"]) for event in fields] == sorted({int(event["id"]) for event in fields})


async def test_a_running_job_is_cancelled_and_the_worker_goes_on(client: httpx.AsyncClient):
    response = await client.post("/score?model=tiny-slow", content=nifti_bytes(0, (30, 30, 400)))
    path = response.headers["location"]
    while (await client.get(path)).json()["state"] == "queued":
        await asyncio.sleep(0.05)
    assert (await client.delete(path)).json()["state"] == "cancelled"
    assert (await client.post("/score", content=png_bytes(), headers=WAIT)).status_code == 200
    assert (await client.get(path)).json()["state"] == "cancelled"
    assert (await client.get(f"{path}/result")).status_code == 409


async def test_a_removed_job_leaves_nothing_behind(client: httpx.AsyncClient, settings: Settings):
    result = (await client.post("/score", content=png_bytes(), headers=WAIT)).json()
    assert len([path for path in settings.store_dir.rglob("*") if path.is_file()]) == 4
    assert (await client.delete(result["links"]["self"])).status_code == 204
    assert [path for path in settings.store_dir.rglob("*") if path.is_file()] == []


async def test_the_service_is_ready_while_its_worker_lives(settings: Settings, redis_url: str):
    async with running_app(settings, redis_url) as client:
        async with running_worker(settings, redis_url):
            while (response := await client.get("/readyz")).status_code == 503:
                await asyncio.sleep(0.05)
            assert response.json() == {
                "workers": 1,
                "models": ["tiny@1.0.0", "tiny-slow@1.0.0", "tiny-us@1.0.0"],
                "problems": [],
            }
        assert (await client.get("/readyz")).status_code == 503


async def test_a_job_that_the_store_fails_is_tried_again(
    settings: Settings, redis_url: str, monkeypatch: pytest.MonkeyPatch
):
    put_file, failed = FolderStore.put_file, []

    async def fail_once(store: FolderStore, key: str, path: Path) -> None:
        if not failed:
            failed.append(key)
            raise StoreUnreachableError("the store does not answer")
        await put_file(store, key, path)

    monkeypatch.setattr(FolderStore, "put_file", fail_once)
    async with running_app(settings, redis_url) as client, running_worker(settings, redis_url):
        response = await client.post("/score", content=png_bytes(), headers=WAIT)
    assert response.status_code == 200 and len(failed) == 1


async def test_a_worker_without_its_bucket_does_not_start(
    settings: Settings, redis_url: str, bucket_url: str
):
    elsewhere = settings.model_copy(update={"store_url": "s3://another", "store_allow_http": True})
    with pytest.raises(StoreUnreachableError, match="does not answer"):
        async with running_worker(elsewhere, redis_url):
            pass


async def test_an_api_without_its_bucket_is_not_ready_and_takes_nothing(
    settings: Settings, redis_url: str, bucket_url: str
):
    elsewhere = settings.model_copy(update={"store_url": "s3://another", "store_allow_http": True})
    async with running_app(elsewhere, redis_url) as client:
        assert (await client.get("/readyz")).json()["detail"] == "the store does not answer"
        response = await client.post("/score", content=png_bytes())
    assert (response.status_code, response.json()["title"]) == (503, "Store unreachable")
    assert list((settings.data_dir / "scratch").iterdir()) == []


async def test_a_job_whose_model_was_replaced_says_so(
    settings: Settings, redis_url: str, tmp_path: Path, bundles: Path
):
    others = settings.model_copy(update={"bundles": (tmp_path / "none",)})
    async with running_app(settings, redis_url) as client, running_worker(others, redis_url):
        response = await client.post("/score", content=png_bytes(), headers=WAIT)
        assert response.status_code == 404
        assert "the model was replaced after the image was sent" in response.json()["detail"]
        assert "no live worker has loaded tiny@1.0.0" in (await client.get("/readyz")).json()["detail"]
