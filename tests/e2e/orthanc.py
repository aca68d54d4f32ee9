"""A real PACS, Debian's Orthanc, in a network of its own: it listens on every address that it finds."""

import json
import os
import shutil
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from tests.system_packages import lacking

PATIENCE_S = 60.0
HERE = "10.213.77.1"
THERE = "10.213.77.2"
DICOM_PORT = 4242
_HTTP_PORT = 8042
DICOMWEB_PLUGIN = Path("/usr/share/orthanc/plugins/libOrthancDicomWeb.so")


@dataclass(frozen=True)
class Orthanc:
    """`client` asks its REST interface; `HERE` is the address of this side for it."""

    client: httpx.Client

    def series_of(self, study_uid: str) -> dict[str, str]:
        """Modalities by series, as QIDO tells them."""
        found = self.client.get(f"/dicom-web/studies/{study_uid}/series").json()
        return {entry["0020000E"]["Value"][0]: entry["00080060"]["Value"][0] for entry in found}

    def instances_of(self, study_uid: str) -> list[str]:
        found = self.client.post("/tools/lookup", content=study_uid).json()
        return [
            instance["ID"]
            for entry in found
            if entry["Type"] == "Study"
            for instance in self.client.get(f"/studies/{entry['ID']}/instances").json()
        ]

    def file(self, instance: str) -> bytes:
        return self.client.get(f"/instances/{instance}/file").content

    def send_all(self, peer: str) -> None:
        """Send every instance that it has by C-STORE."""
        answer = self.client.post(
            f"/modalities/{peer}/store", json=self.client.get("/instances").json(), timeout=PATIENCE_S
        )
        answer.raise_for_status()


@contextmanager
def running_orthanc(
    folder: Path,
    peers: dict[str, tuple[str, int]],
    *,
    more: Mapping[str, object] | None = None,
    variables: Mapping[str, str] | None = None,
) -> Iterator[Orthanc]:
    """Orthanc, which knows the peers by their AE titles, with more settings and variables."""
    if shutil.which("Orthanc") is None or not DICOMWEB_PLUGIN.exists():
        lacking("Orthanc (Debian's orthanc and orthanc-dicomweb)")
    settings = folder / "orthanc.json"
    settings.write_text(json.dumps({**_settings(folder, peers), **(more or {})}))
    with ExitStack() as stack:
        network = stack.enter_context(_network())
        command = ["ip", "netns", "exec", network, "Orthanc", str(settings)]
        log = stack.enter_context((folder / "orthanc.log").open("w"))
        process = subprocess.Popen(command, stdout=log, stderr=log, env={**os.environ, **(variables or {})})
        stack.callback(_end, process)
        client = stack.enter_context(httpx.Client(base_url=f"http://{THERE}:{_HTTP_PORT}", trust_env=False))
        _wait_for(client, process)
        yield Orthanc(client)


def _settings(folder: Path, peers: dict[str, tuple[str, int]]) -> dict[str, object]:
    return {
        "StorageDirectory": str(folder / "storage"),
        "IndexDirectory": str(folder / "storage"),
        "RemoteAccessAllowed": True,
        "AuthenticationEnabled": False,
        "HttpPort": _HTTP_PORT,
        "DicomPort": DICOM_PORT,
        "DicomAet": "ORTHANC",
        "DicomModalities": {title: [title, *address] for title, address in peers.items()},
        "Plugins": [str(DICOMWEB_PLUGIN)],
        "DicomWeb": {"Enable": True},
    }


@contextmanager
def _network() -> Iterator[str]:
    """A network namespace that a pair of interfaces joins to this one."""
    name = f"atypia-{os.getpid()}"
    ours, theirs = f"atyp-a{os.getpid() % 10**6}", f"atyp-b{os.getpid() % 10**6}"
    if shutil.which("ip") is None or not _ip("netns", "add", name, may_fail=True):
        lacking("way to make a network namespace (iproute2, as root)")
    try:
        _ip("link", "add", ours, "type", "veth", "peer", "name", theirs, "netns", name)
        _ip("addr", "add", f"{HERE}/30", "dev", ours)
        _ip("link", "set", ours, "up")
        for command in (("addr", "add", f"{THERE}/30", "dev", theirs), ("link", "set", theirs, "up")):
            _ip("-n", name, *command)
        yield name
    finally:
        # The interfaces go with it.
        _ip("netns", "del", name)


def _ip(*arguments: str, may_fail: bool = False) -> bool:
    done = subprocess.run(["ip", *arguments], capture_output=True, text=True, timeout=30, check=False)
    assert may_fail or done.returncode == 0, done.stderr
    return done.returncode == 0


def _wait_for(client: httpx.Client, process: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + PATIENCE_S
    while process.poll() is None and time.monotonic() < deadline:
        try:
            if client.get("/system").status_code == 200:
                return
        except httpx.TransportError:
            time.sleep(0.1)
    raise AssertionError("Orthanc did not start")


def _end(process: "subprocess.Popen[bytes]") -> None:
    process.terminate()
    process.wait(PATIENCE_S)
