"""What /metrics holds after real jobs, and that the dashboard asks for nothing else."""

import asyncio
import gzip
import json
import re
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
import pytest_asyncio
from prometheus_client.parser import text_string_to_metric_families

from service.settings import Settings
from tests.service.running_app import running_app, running_worker
from tests.service.uploads_builder import nifti_bytes, png_bytes

DASHBOARD = Path(__file__).parents[3] / "docker" / "grafana-dashboard.json"
EXPRESSIONS = [
    target["expr"] for panel in json.loads(DASHBOARD.read_text())["panels"] for target in panel["targets"]
]
# What an expression says beside metrics: labels to group and match by.
LABELS = re.compile(r"(?:by|ignoring) \((\w+)\)|\{(\w+)=")
pytestmark = pytest.mark.asyncio


@pytest_asyncio.fixture
async def client(settings: Settings, redis_url: str) -> AsyncIterator[httpx.AsyncClient]:
    async with running_app(settings, redis_url) as client, running_worker(settings, redis_url):
        yield client


async def values_of(client: httpx.AsyncClient) -> dict[str, float]:
    """Every sample by its name, with its labels as they are written."""
    lines = (await client.get("/metrics")).text.splitlines()
    samples = (line.rsplit(" ", 1) for line in lines if not line.startswith("#"))
    return {name: float(value) for name, value in samples}


async def until(client: httpx.AsyncClient, name: str, value: float) -> dict[str, float]:
    for _ in range(1200):
        values = await values_of(client)
        if values.get(name) == value:
            return values
        await asyncio.sleep(0.05)
    raise AssertionError(f"{name} is {values.get(name)}, not {value}")


async def test_slices_and_runs_of_the_graph_are_counted(client: httpx.AsyncClient):
    volume = nifti_bytes(0, (20, 24, 40))
    await client.post("/score?model=tiny", content=volume, headers={"Prefer": "wait=60"})
    values = await until(client, "atypia_batch_slices_total", 40)
    # At most 16 at once.
    assert values["atypia_batch_runs_total"] == 3
    assert values["atypia_worker_slots"] == 1
    assert values['atypia_stage_ms_total{stage="infer"}'] > 0


async def test_seconds_of_queued_work_are_unknown_without_a_worker(settings: Settings, redis_url: str):
    async with running_app(settings, redis_url) as client:
        assert (await values_of(client))["atypia_queued_seconds"] == 0
        await client.post("/score", content=png_bytes())
    async with running_app(settings, redis_url) as client:
        values = await values_of(client)
    assert values['atypia_queue_depth{priority="normal"}'] == 1 and "atypia_queued_seconds" not in values
    assert values["atypia_queued_bytes"] == len(png_bytes())


async def test_every_expression_of_the_dashboard_names_metrics_and_labels_that_exist(
    client: httpx.AsyncClient,
):
    await client.post("/score", content=png_bytes(), headers={"Prefer": "wait=60"})
    damaged = bytearray(gzip.compress(nifti_bytes()))
    damaged[-8:-4] = bytes(4)  # the checksum
    await client.post("/score", content=bytes(damaged), headers={"Prefer": "wait=60"})
    families = list(text_string_to_metric_families((await client.get("/metrics")).text))
    names = {family.name + ("_total" if family.type == "counter" else "") for family in families}
    labels = {label for family in families for sample in family.samples for label in sample.labels}
    for expression in EXPRESSIONS:
        asked = set(re.findall(r"atypia_\w+", expression))
        assert asked and asked <= names, expression
        grouped = {name for found in LABELS.findall(expression) for name in found if name}
        assert grouped <= labels | {"outcome"}, expression
