"""The files for Kubernetes name what the code has; no cluster is at hand to try them on."""

import re
import subprocess
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml
from fastapi.routing import APIRoute
from redis import Redis
from redis.backoff import ConstantBackoff
from redis.exceptions import AuthenticationError
from redis.retry import Retry

from service.api import health_routes
from service.keys import Keys
from service.settings import Settings
from tests.service.queue_servers import binary_of, free_port

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
OLDEST = "1.29"
README = (FOLDER / "README.md").read_text()


def container(name: str) -> dict[str, Any]:
    [only] = PODS[name]["containers"]
    return dict(only)


def test_every_file_is_listed():
    listed = {*KUSTOMIZATION["resources"], "kustomization.yaml"}
    assert {path.name for path in FOLDER.glob("*.yaml")} == listed


@pytest.mark.parametrize(
    "found",
    [found for found in OBJECTS if not found["apiVersion"].startswith("keda.sh/")],
    ids=lambda found: f"{found['kind']} {found['metadata']['name']}",
)
def test_an_object_has_no_field_that_kubernetes_does_not_know(found: dict[str, Any]):
    # Raises, and returns the version of the schema.
    assert kubernetes_validate.validate(found, OLDEST, strict=True) == OLDEST


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
    # A trigger with a group counts what is pending, and no more what waits.
    assert not any("consumerGroup" in trigger["metadata"] for trigger in scaled["spec"]["triggers"])
    lengths = {trigger["metadata"]["streamLength"] for trigger in scaled["spec"]["triggers"]}
    assert lengths == {str(Settings.model_fields["worker_jobs"].default)}


def test_the_secrets_that_are_asked_for_are_those_that_the_readme_makes():
    made = set(re.findall(r"--from-literal=([\w-]+)=", README))
    asked = set(re.findall(r"\bkey: ([\w-]+)", "".join(path.read_text() for path in FOLDER.glob("*.yaml"))))
    assert asked == made


@pytest.mark.parametrize("name", PODS)
def test_no_service_is_taken_for_a_setting(name: str):
    # Of a service `atypia` Kubernetes tells each pod by ATYPIA_PORT, which is an address there.
    assert PODS[name]["enableServiceLinks"] is False


def test_every_policy_and_service_is_for_pods_that_exist():
    labels = {
        label
        for found in OBJECTS
        if found["kind"] in ("Deployment", "StatefulSet")
        for label in found["spec"]["template"]["metadata"]["labels"].items()
    }
    selectors = [found["spec"]["selector"] for found in OBJECTS if found["kind"] == "Service"] + [
        found["spec"]["podSelector"]["matchLabels"] for found in OBJECTS if found["kind"] == "NetworkPolicy"
    ]
    assert len(selectors) == 5 and {pair for one in selectors for pair in one.items()} <= labels


def test_probes_ask_routes_that_exist_at_the_port_that_the_image_opens():
    routes = {route.path for route in health_routes.router.routes if isinstance(route, APIRoute)}
    api = container("atypia-api")
    for probe in ("livenessProbe", "readinessProbe"):
        asked = api[probe]["httpGet"]
        assert asked["path"] in routes and f"EXPOSE {asked['port']}" in DOCKERFILE


@pytest.mark.parametrize("name", PODS)
def test_it_has_no_more_rights_than_the_namespace_grants(name: str):
    pod = PODS[name]
    assert container(name)["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert pod["securityContext"]["runAsNonRoot"] and not pod["automountServiceAccountToken"]
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert "memory" in container(name)["resources"]["limits"]


@pytest.mark.parametrize("name", OURS)
def test_it_runs_as_the_images_user_and_may_write_where_it_must(name: str):
    assert f"--uid {PODS[name]['securityContext']['runAsUser']} " in DOCKERFILE
    mounted = {mount["mountPath"] for mount in container(name)["volumeMounts"]}
    assert {"/data", "/tmp"} <= mounted and "ATYPIA_DATA_DIR=/data" in DOCKERFILE


def test_a_worker_has_longer_to_stop_than_it_takes():
    drain_s = Settings.model_fields["drain_s"].default
    assert PODS["atypia-worker"]["terminationGracePeriodSeconds"] >= drain_s + 10


@pytest.mark.parametrize("name", OURS)
def test_it_runs_a_command_of_atypia(name: str):
    assert container(name)["args"] in (["api"], ["worker"]) and 'ENTRYPOINT ["atypia"]' in DOCKERFILE


def test_the_queue_asks_for_the_password_and_ends_when_it_is_told_to(tmp_path: Path):
    binary_of("redis")
    port = free_port()
    (tmp_path / "redis-password").write_text("planted")
    [script] = container("redis")["args"]
    for theirs, ours in (("/run/secrets/atypia", str(tmp_path)), ("/data", f"{tmp_path}\nport {port}")):
        script = script.replace(theirs, ours)
    server = subprocess.Popen([*container("redis")["command"], script], stdout=subprocess.DEVNULL)
    try:
        retry = Retry(ConstantBackoff(0.1), 50)
        with Redis(port=port, password="planted", retry=retry) as known, Redis(port=port) as stranger:
            assert known.config_get("appendfsync") == {"appendfsync": "always"}
            with pytest.raises(AuthenticationError):
                stranger.ping()
    finally:
        server.terminate()
    # Its own end: a shell in its place would end by the signal, and leave it running.
    assert server.wait(timeout=20) == 0
    assert (tmp_path / "appendonlydir").is_dir()
