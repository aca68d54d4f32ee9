"""Have a series of the archive scored and its results stored beside it.

Run it as python reference.py SERVER STUDY_UID [SERIES_UID]; MODEL in the environment may name the model.

SERVER is what the service's operator calls the archive. Research use only.
"""

import os
import sys
import time

from service.client import Client, ClientError, SeriesReference

PATIENCE_S = 600.0


def main(server: str, study_uid: str, series_uid: str | None = None) -> None:
    address = os.environ.get("ATYPIA_ADDRESS", "http://127.0.0.1:8000")
    deadline = time.monotonic() + PATIENCE_S
    with Client(address, os.environ.get("ATYPIA_KEY")) as client:
        retrieval = client.refer(
            SeriesReference(server, study_uid, series_uid), model=os.environ.get("MODEL")
        )
        while retrieval.job_id is None:
            if retrieval.error is not None:
                sys.exit(retrieval.error.detail)
            if time.monotonic() > deadline:
                sys.exit(f"the service is still fetching the series: {retrieval.reason}")
            time.sleep(1)
            retrieval = client.retrieval(retrieval.retrieval_id)
        job = client.wait(retrieval.job_id, PATIENCE_S)
        result = client.result(job.job_id)
    sys.stdout.write(f"score {result['score']:.4g}, p-value {result['p_value']:.3g}\n")


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except ClientError as error:
        sys.exit(f"{error}")
