"""Has each new series of this Orthanc scored by Atypia, when no instance of it has come for a while.

For Orthanc's Python plugin; needs nothing but Python's own library. Research use only. Atypia fetches the
series by DICOMweb and stores its results here: see README.md. What Atypia was not told of yet is a file of
its own, so that neither a restart of Orthanc nor an Atypia that is away loses one.
"""

import json
import os
import threading
import urllib.error
import urllib.request
from pathlib import Path

import orthanc  # only there inside of Orthanc

ADDRESS = os.environ.get("ATYPIA_ADDRESS", "http://127.0.0.1:8000")
SERVER = os.environ.get("ATYPIA_SERVER", "pacs")  # what Atypia's operator calls this Orthanc
MODEL = os.environ.get("ATYPIA_MODEL")  # unset: Atypia chooses by the image
MODALITIES = os.environ.get("ATYPIA_MODALITIES", "CT,MR,CR,DX").split(",")
KEY_FILE = os.environ.get("ATYPIA_KEY_FILE")
PENDING = Path(os.environ.get("ATYPIA_PENDING", "/var/lib/orthanc/atypia-pending"))
RETRY_S = float(os.environ.get("ATYPIA_RETRY_S", "30"))
TIMEOUT_S = 60.0
# What a later try may mend: the key, too many at once, and all errors of the server's side.
TRANSIENT = {401, 403, 408, 429}

stopping = threading.Event()
something_new = threading.Event()


def on_change(change_type: int, _level: int, series: str) -> None:
    """Orthanc waits for this: note it and no more."""
    if change_type == orthanc.ChangeType.STABLE_SERIES:
        (PENDING / series).touch()
        something_new.set()
    elif change_type == orthanc.ChangeType.ORTHANC_STARTED:
        threading.Thread(target=tell_of_all, daemon=True).start()
    elif change_type == orthanc.ChangeType.ORTHANC_STOPPED:
        stopping.set()
        something_new.set()


def tell_of_all() -> None:
    while not stopping.is_set():
        something_new.clear()
        for note in sorted(PENDING.iterdir()):
            try:
                if stopping.is_set() or not is_settled(note.name):
                    break
            except Exception as error:
                # The edge of a series: one that nobody foresaw must not end the others.
                orthanc.LogError(f"Atypia could not be told of series {note.name}: {type(error).__name__}")
            else:
                note.unlink(missing_ok=True)
        something_new.wait(RETRY_S)


def is_settled(series: str) -> bool:
    """Whether Atypia was told of it, or never will be; false where nobody answered."""
    reference = reference_to(series)
    if reference is None:
        return True
    headers = {"Content-Type": "application/json"}
    if KEY_FILE:
        headers["Authorization"] = f"Bearer {Path(KEY_FILE).read_text().strip()}"
    request = urllib.request.Request(f"{ADDRESS}/score", json.dumps(reference).encode(), headers)
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT_S):
            orthanc.LogWarning(f"Atypia was told of series {series}")
    except urllib.error.HTTPError as error:
        is_final = error.code < 500 and error.code not in TRANSIENT
        after = "it is left out" if is_final else f"again in {RETRY_S:g} s"
        orthanc.LogError(f"Atypia refused series {series} with {error.code}; {after}")
        return is_final
    except OSError:
        orthanc.LogError(f"Atypia does not answer; series {series} is told again in {RETRY_S:g} s")
        return False
    return True


def reference_to(series: str) -> "dict[str, str] | None":
    """What Atypia is told; None of a series that is not there any more, or not to be scored."""
    try:
        tags = json.loads(orthanc.RestApiGet(f"/series/{series}"))["MainDicomTags"]
        study = json.loads(orthanc.RestApiGet(f"/series/{series}/study"))["MainDicomTags"]
    except orthanc.OrthancException:
        return None
    # Its own results come back by the same door.
    if tags.get("Manufacturer") == "Atypia" or tags.get("Modality") not in MODALITIES:
        return None
    named = {"study_uid": study["StudyInstanceUID"], "series_uid": tags["SeriesInstanceUID"], "model": MODEL}
    return {"dicomweb_server": SERVER, "results": SERVER, **{k: v for k, v in named.items() if v}}


PENDING.mkdir(parents=True, exist_ok=True)
orthanc.RegisterOnChangeCallback(on_change)
