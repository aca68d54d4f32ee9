"""Score one image with nothing but Python's own library: python without_a_client.py IMAGE.

For machines where nothing may be installed, such as a modality's workstation. Research use only.
"""

import json
import os
import sys
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any


def score(address: str, image: bytes, *, key: str | None = None, wait_s: int = 300) -> dict[str, Any]:
    """The result, or a RuntimeError with the service's sentence of what is wrong."""
    headers = {"Content-Type": "application/octet-stream", "Prefer": f"wait={wait_s}"}
    if key:
        headers["Authorization"] = f"Bearer {key}"
    request = urllib.request.Request(f"{address}/score", data=image, headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=wait_s + 60) as answer:
            body: dict[str, Any] = json.load(answer)
    except urllib.error.HTTPError as error:
        raise RuntimeError(json.load(error)["detail"]) from error
    if "score" not in body:
        raise RuntimeError(f"job {body['job_id']} is {body['state']} after {wait_s} s; ask {address} again")
    return body


if __name__ == "__main__":
    result = score(
        os.environ.get("ATYPIA_ADDRESS", "http://127.0.0.1:8000"),
        Path(sys.argv[1]).read_bytes(),
        key=os.environ.get("ATYPIA_KEY"),
    )
    sys.stdout.write(json.dumps(result, indent=2) + "\n")
