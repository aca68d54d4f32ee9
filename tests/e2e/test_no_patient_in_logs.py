"""A whole session with a patient's name planted wherever a sender can put it: none of it is logged."""

import re
from pathlib import Path

import httpx
import numpy as np
import pytest

from tests.audit_repositories import udp_repository
from tests.e2e.processes import PATIENCE_S, address_of, running
from tests.imaging.dicom_builder import dicom_bytes
from tests.service.uploads_builder import grey

PATIENT = {
    "PatientName": "PlantedName^Jane",
    "PatientID": "PlantedID",
    "AccessionNumber": "PlantedNumber",
    "StudyDescription": "PlantedStudy",
}
WAIT = {"Prefer": "wait=60"}


def file(content: bytes, name: str = "PlantedFile_Jane.dcm") -> dict[str, tuple[str, bytes]]:
    return {"file": (name, content)}


def whole_session(client: httpx.Client) -> list[int]:
    """What goes well and what goes wrong, and the answers' statuses."""
    pixels = grey(0).astype(np.uint16)
    instance = dicom_bytes(pixels, **PATIENT)
    odd = dicom_bytes(pixels, **PATIENT, RescaleSlope="1.0000000000").replace(
        b"1.0000000000", b"PlantedSlope"
    )
    scored = client.post("/score", files=file(instance), headers=WAIT)
    job = scored.json()["links"]["self"]
    answers = [
        scored,
        client.get(f"{job}/result.zip"),
        client.post("/score", files=file(instance[:-100]), headers=WAIT),
        client.post("/score", files=file(odd), headers=WAIT),
        client.post("/score", files=file(b"PlantedBytes" * 9, "PlantedFile.nii.gz")),
        client.post("/score?model=PlantedModel", files=file(instance)),
        client.post("/score?PlantedField=PlantedValue", files=file(instance)),
        client.post("/score", files=file(instance), data={"PlantedField": "PlantedValue"}),
        client.post("/score", content=b"x", headers={"Content-Type": "multipart/form-data; Planted"}),
        client.get("/jobs/PlantedName%0aPlanted"),
        client.get("/PlantedPath?PlantedName=Planted"),
        client.get("/jobs", headers={"Authorization": "Bearer PlantedKey"}),
        client.delete(job),
    ]
    return [answer.status_code for answer in answers]


@pytest.mark.parametrize("is_trailed", [False, True], ids=["alone", "with a repository"])
def test_no_line_of_a_whole_session_holds_what_names_a_patient(
    tmp_path: Path, bundles: Path, is_trailed: bool
):
    data_dir, log = tmp_path / "data", tmp_path / "log"
    with log.open("w") as file_of_log, udp_repository() as there:
        settings = {"data_dir": data_dir, "bundles": bundles, "log_level": "debug"}
        settings |= {"audit_syslog": there.url} if is_trailed else {}
        with (
            running("serve", "--port", "0", log=file_of_log, **settings) as process,
            httpx.Client(base_url=address_of(process), timeout=PATIENCE_S) as client,
        ):
            statuses = whole_session(client)
    assert (statuses[0], max(statuses)) == (200, 422)
    audit = "".join(path.read_text() for path in (data_dir / "audit").glob("*.jsonl"))
    logged = log.read_text()
    assert "listening" in logged and "POST" in audit
    assert re.findall(".*Planted.*", logged + audit) == []
    assert ("PlantedID" in "".join(there.messages)) == is_trailed
