"""The files for Kubernetes name what the code has; no cluster is at hand to try them on."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from fastapi.routing import APIRoute

from service.api import health_routes
from service.keys import Keys
from service.settings import Settings

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "deploy" / "kubernetes"
DOCKERFILE = (ROOT / "docker" / "service.Dockerfile").read_text()
KUSTOMIZATION: dict[str, Any] = yaml.safe_load((FOLDER / "kustomization.yaml").read_text())
OBJECTS: list[dict[str, Any]] = [
    found for name in KUSTOMIZATION["resources"] for found in yaml.safe_load_all((FOLDER / name).read_text())
]
PODS = {
    found["metadata"]["name"]: found["spec"]["template"]["spec"]
    for found in OBJECTS
    if found["kind"] in ("Deployment", "StatefulSet")
}
OURS = ("atypia-api", "atypia-worker")


def container(name: str) -> dict[str, Any]:
    [only] = PODS[name]["containers"]
    return dict(only)


def test_every_file_is_listed():
    listed = {*KUSTOMIZATION["resources"], "kustomization.yaml"}
    assert {path.name for path in FOLDER.glob("*.yaml")} == listed


def test_every_setting_that_is_named_exists():
    known = {f"ATYPIA_{name.upper()}" for name in Settings.model_fields}
    text = "".join(path.read_text() for path in FOLDER.iterdir())
    assert set(re.findall(r"ATYPIA_\w+", text)) <= known


def test_it_scales_by_the_streams_of_the_queue():
    [scaled] = [found for found in OBJECTS if found["kind"] == "ScaledObject"]
    streams = {trigger["metadata"]["stream"] for trigger in scaled["spec"]["triggers"]}
    prefix = Settings.model_fields["key_prefix"].default
    assert streams == set(Keys(prefix).streams.values())
    assert scaled["spec"]["scaleTargetRef"]["name"] in PODS


def test_probes_ask_routes_that_exist_at_the_port_that_the_image_opens():
    routes = {route.path for route in health_routes.router.routes if isinstance(route, APIRoute)}
    api = container("atypia-api")
    for probe in ("livenessProbe", "readinessProbe"):
        asked = api[probe]["httpGet"]
        assert asked["path"] in routes and f"EXPOSE {asked['port']}" in DOCKERFILE


@pytest.mark.parametrize("name", OURS)
def test_it_runs_as_the_images_user_with_no_more_than_it_needs(name: str):
    pod, only = PODS[name], container(name)
    assert f"--uid {pod['securityContext']['runAsUser']} " in DOCKERFILE
    assert only["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    mounted = {mount["mountPath"] for mount in only["volumeMounts"]}
    assert {"/data", "/tmp"} <= mounted and "ATYPIA_DATA_DIR=/data" in DOCKERFILE


def test_a_worker_has_longer_to_stop_than_it_takes():
    drain_s = Settings.model_fields["drain_s"].default
    assert PODS["atypia-worker"]["terminationGracePeriodSeconds"] >= drain_s + 10


@pytest.mark.parametrize("name", OURS)
def test_it_runs_a_command_of_atypia(name: str):
    assert container(name)["args"] in (["api"], ["worker"]) and 'ENTRYPOINT ["atypia"]' in DOCKERFILE
