"""Score every image of a folder, some at a time, into a CSV: python score_folder.py FOLDER SCORES.csv.

Research use only. ATYPIA_ADDRESS is where the service is, ATYPIA_KEY the API key, if it asks for one.
"""

import asyncio
import csv
import os
import sys
from pathlib import Path

from service.client import AsyncClient, JobFailedError, UnsuitableImageError

AT_ONCE = 8
PATIENCE_S = 600.0


async def main(folder: Path, table: Path) -> None:
    turn = asyncio.Semaphore(AT_ONCE)
    address = os.environ.get("ATYPIA_ADDRESS", "http://127.0.0.1:8000")
    async with AsyncClient(address, os.environ.get("ATYPIA_KEY")) as client:

        async def row(path: Path) -> list[object]:
            async with turn:
                try:
                    job = await client.submit(path)
                    await client.wait(job.job_id, PATIENCE_S)
                    result = await client.result(job.job_id)
                except (UnsuitableImageError, JobFailedError) as error:
                    return [path.name, "", "", str(error)]
                return [path.name, result["score"], result["p_value"], ""]

        rows = await asyncio.gather(*(row(path) for path in sorted(folder.iterdir()) if path.is_file()))
    with table.open("w", newline="") as file:
        csv.writer(file).writerows([["image", "score", "p_value", "error"], *rows])


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), Path(sys.argv[2])))
