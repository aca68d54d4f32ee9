"""How long a graph takes."""

import time

import numpy as np

from inference.bundle import PARITY, Bundle
from inference.session import Session

RUNS = 20


def graph_ms_per_image(bundle: Bundle, session: Session) -> float:
    """Median milliseconds of a graph alone for one image of the bundle."""
    with np.load(bundle.folder / PARITY, allow_pickle=False) as parity:
        image = parity["image"][:1]
    seconds = []
    for _ in range(RUNS):
        start = time.perf_counter()
        session.run(image)
        seconds.append(time.perf_counter() - start)
    return 1000 * float(np.median(seconds))
