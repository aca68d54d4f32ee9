"""Megabytes of decoded pixels a second by transfer syntax, of one X-ray, in one process.

`read_image` also checks the header's budget, turns values into float32 and looks for the window; pydicom's
decoder alone stands beside it, in turns.

    python -m benchmarks.decode
"""

import time
from collections.abc import Callable
from typing import Annotated

import numpy as np
import typer

from benchmarks.serving.dicom import ENCODERS, decoded_by_pydicom, x_ray
from imaging.read import read_image


def run(
    side: Annotated[int, typer.Option(min=64, help="Rows and columns of the X-ray.")] = 2048,
    rounds: Annotated[int, typer.Option(min=1, help="Turns of each; the median is told.")] = 5,
) -> None:
    """Print the table."""
    typer.echo("| transfer syntax | file, MB | pixels, MB | `read_image`, MB/s | pydicom, MB/s | ratio |")
    typer.echo("|---|---|---|---|---|---|")
    for name, (bits, encode) in ENCODERS.items():
        content = encode(x_ray(side, bits=bits))
        megabytes = side * side * (1 if bits <= 8 else 2) / 1e6
        turns = [
            (_seconds(lambda: read_image([content])), _seconds(lambda: decoded_by_pydicom(content)))  # noqa: B023
            for _ in range(rounds + 1)  # the first loads the decoder
        ]
        ours, theirs = megabytes / np.array(turns[1:]).T
        ratios = ours / theirs
        typer.echo(
            f"| {name} | {len(content) / 1e6:.2f} | {megabytes:.1f} | {np.median(ours):.0f} | "
            f"{np.median(theirs):.0f} | {np.median(ratios):.2f} ({ratios.min():.2f} to {ratios.max():.2f}) |"
        )


def _seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


if __name__ == "__main__":
    typer.run(run)
