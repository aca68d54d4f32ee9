"""A bundle of volumes, from a tree of scans to the service: what it finds lies where it was planted."""

import asyncio
import gzip
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from inference.bundle import load_bundle
from inference.predictor import Predictor
from service.settings import Settings
from tests.inference.volumes import centred, image_of, places_of
from tests.service.running_app import running_app, running_worker
from training.config import parse_config
from training.export import export
from training.fit import fit

LESION_MM = np.array([14.0, -12.0, 18.0])
SHAPE = (30, 44, 36)
STRAIGHT = centred(np.diag([3.0, 3.0, 3.0]), SHAPE)
# Sagittal slices, turned by some degrees, of other spacings, from left to right and from the head down.
ODD_SHAPE = (34, 46, 64)
ODD = centred(
    Rotation.from_euler("xyz", (8, -6, 5), degrees=True).as_matrix()
    @ np.array([[0, 0, -3.2], [2.1, 0, 0], [0, -2.6, 0]]),
    ODD_SHAPE,
)


def head(
    affine: np.ndarray, shape: tuple[int, int, int], *, seed: int, has_lesion: bool = False
) -> np.ndarray:
    """A soft ellipsoid with a darker middle and some noise; the lesion is a bright ball of 7 mm."""
    places = places_of(affine, shape)
    rng = np.random.default_rng(seed)
    distance = np.linalg.norm(places / rng.uniform(0.96, 1.04, 3) / (42, 52, 38), axis=-1)
    values = 100 / (1 + np.exp(20 * (distance - 1))) - 30 * np.exp(-((distance / 0.3) ** 2))
    if has_lesion:
        values += 60 * np.clip((8.5 - np.linalg.norm(places - LESION_MM, axis=-1)) / 3, 0, 1)
    return np.clip(values + rng.normal(0, 1.5, shape), 0, None).astype(np.float32)


def write(path: Path, values: np.ndarray, affine: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    to_ras = np.diag([-1.0, -1, 1, 1]) @ affine
    nibabel.Nifti1Image(values.transpose(2, 1, 0), to_ras).to_filename(path)


def tables(data: Path) -> dict[str, Any]:
    return {
        "name": "tiny-head",
        "data": {"path": str(data), "contrasts": ["T1"], "mask": "lesion"},
        "volume_score": {"rule": "top_mean", "slices": 2},
        "preprocessing": [
            {"name": "reorient", "plane": "axial"},
            {"name": "resample", "in_plane_mm": 3.0, "between_mm": 3.0},
            {"name": "mask", "region": "head"},
            {"name": "slab", "start": 0.3, "stop": 0.85},
            {"name": "crop_to_head"},
            {"name": "resize", "height": 32, "width": 32},
            {"name": "robust_z_in_mask", "erode": 2},
        ],
        "method": {"name": "atlas", "options": {"neighbours": 10, "score": "top", "sign": "bright"}},
        "calibration": {"share": 0.4, "default_operating_point": "10%", "map_false_alarm_rate": 0.0005},
    }


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("heads")
    for number in range(24):
        write(folder / f"data/train/p{number}/T1.nii.gz", head(STRAIGHT, SHAPE, seed=number), STRAIGHT)
    fit(parse_config(tables(folder / "data")), folder / "run", resume=False)
    return export(folder / "run", folder / "bundles")


def test_the_manifest_says_how_volumes_are_looked_at_and_scored(bundle: Path):
    manifest = load_bundle(bundle).manifest
    assert [step.name for step in manifest.preprocessing][:4] == ["reorient", "resample", "mask", "slab"]
    assert manifest.volume_score.slices == 2
    assert len(manifest.calibration.scores) == 10  # one a patient


def test_a_lesion_raises_the_score_of_a_head_from_another_scanner(bundle: Path):
    predictor = Predictor.load(load_bundle(bundle))
    healthy, sick = (
        predictor.predict(image_of(head(ODD, ODD_SHAPE, seed=98, has_lesion=has_lesion), ODD))
        for has_lesion in (False, True)
    )
    assert sick.score > 2 * healthy.score
    assert sick.findings[0].peak > 2 * max((finding.peak for finding in healthy.findings), default=0)


def test_a_volumes_score_is_by_its_rule(bundle: Path):
    predictor = Predictor.load(load_bundle(bundle))
    result = predictor.predict(image_of(head(STRAIGHT, SHAPE, seed=99), STRAIGHT))
    assert result.score == pytest.approx(np.mean(sorted(result.slice_scores)[-2:]))
    assert len(result.scores_by_slice) == len(result.slice_scores) < SHAPE[0]


def test_the_service_finds_a_lesion_where_it_was_planted(
    bundle: Path, settings: Settings, redis_url: str, tmp_path: Path
):
    scan = head(ODD, ODD_SHAPE, seed=98, has_lesion=True)
    write(tmp_path / "odd.nii.gz", scan, ODD)
    here = settings.model_copy(update={"bundles": (bundle.parent,)})
    result, anomaly_map = asyncio.run(_score(here, redis_url, (tmp_path / "odd.nii.gz").read_bytes()))
    finding = result["findings"][0]
    assert np.abs(np.array(finding["centroid_mm"]) - LESION_MM).max() < 3.0  # a voxel of what the network saw
    assert 0.3 < finding["size_mm"] / (4 / 3 * np.pi * 7**3) < 6  # the atlas blurs
    voxel_mm3 = abs(np.linalg.det(ODD[:3, :3]))
    assert finding["size_mm"] == pytest.approx(finding["size_voxels"] * voxel_mm3)
    assert result["pred_label"] is True
    scored = [part["index"] for part in result["slices"]]
    assert scored == list(range(scored[0], scored[-1] + 1))
    assert len(scored) < 0.7 * max(ODD_SHAPE)  # the slab's: the reader has turned the scan
    values = np.asarray(anomaly_map.dataobj)
    assert values.shape == ODD_SHAPE[::-1]
    peak = anomaly_map.affine @ [*np.unravel_index(values.argmax(), values.shape), 1]
    assert np.linalg.norm(np.diag([-1, -1, 1]) @ peak[:3] - LESION_MM) < 7


async def _score(settings: Settings, redis_url: str, content: bytes) -> tuple[dict[str, Any], Any]:
    async with running_app(settings, redis_url) as client, running_worker(settings, redis_url):
        response = await client.post(
            "/score", files={"file": ("odd.nii.gz", content)}, headers={"Prefer": "wait=60"}
        )
        assert response.status_code == 200, response.text
        result = response.json()
        link = next(link for link in result["links"].values() if link.endswith(".nii.gz"))
        packed = await client.get(link)
    return result, nibabel.Nifti1Image.from_bytes(gzip.decompress(packed.content))
