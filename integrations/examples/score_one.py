"""Score one image and keep its heatmap: python score_one.py IMAGE HEATMAP.png.

Research use only. ATYPIA_ADDRESS is where the service is, ATYPIA_KEY the API key, if it asks for one.
"""

import os
import sys

from service.client import Client, ClientError


def main(image: str, heatmap: str) -> None:
    address = os.environ.get("ATYPIA_ADDRESS", "http://127.0.0.1:8000")
    with Client(address, os.environ.get("ATYPIA_KEY")) as client:
        job = client.submit(image)
        client.wait(job.job_id, timeout_s=600)
        result = client.result(job.job_id)
        client.fetch(job.job_id, "overlay", heatmap)
    sys.stdout.write(f"score {result['score']:.4g}, p-value {result['p_value']:.3g}, {result['model']}\n")
    for finding in result["findings"]:
        sys.stdout.write(f"  {finding}\n")


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except ClientError as error:
        sys.exit(f"{error}")
