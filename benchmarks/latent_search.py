"""AnoGAN's search: ONNX Runtime beside eager torch, and beside f-AnoGAN's one pass; one image at a time.

Takes finished runs, which `atypia-train fit` or `compare` leave. Images are those held out for calibration;
each is scored by all three in turn, with as many threads.

    python -m benchmarks.latent_search runs/chest/anogan/seed-0 runs/chest/f_anogan/seed-0
"""

import platform
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import numpy as np
import torch
import typer

from inference.bundle import MODEL
from inference.placement import Placement
from inference.session import Session
from models.method import AnomalyMethod
from training.fit import input_shape, load_run
from training.graph import refer, reference_images, write_onnx
from training.prepare import prepare


def run(
    anogan: Annotated[Path, typer.Argument(help="Folder of a finished run of anogan.")],
    f_anogan: Annotated[Path, typer.Argument(help="Folder of a finished run of f_anogan.")],
    images: Annotated[int, typer.Option(min=2, help="How many are scored.")] = 16,
    threads: Annotated[int, typer.Option(min=1)] = 2,
) -> None:
    """Print milliseconds an image and their ratios: median, lowest and highest; and how scores differ."""
    torch.set_num_threads(threads)
    config, search, splits = load_run(anogan)
    _config, encode, _splits = load_run(f_anogan)
    prepared = prepare(splits.calibration[:images], config.preprocessing)
    with TemporaryDirectory() as folder:
        made = reference_images(input_shape(prepared), prepared.images)
        graphs = [_graph(method, made, Path(folder), threads) for method in (search, encode)]
    rows = []
    for image in prepared.images:
        torch_ms, torch_score = _timed(partial(_torch_score, search, image[None]))
        graph_ms, graph_score = _timed(partial(_graph_score, graphs[0], image[None]))
        encoder_ms, _score = _timed(partial(_graph_score, graphs[1], image[None]))
        rows.append((torch_ms, graph_ms, encoder_ms, abs(graph_score - torch_score) / abs(torch_score)))
    eager, graph, encoder, difference = np.array(rows[1:]).T  # the first image warms up
    height, width = prepared.images.shape[2:]
    steps = search.controls()["steps"]
    typer.echo(f"{threads} threads on {platform.machine()}; {height} x {width}, {steps} steps of search\n")
    typer.echo("| what | median (lowest to highest) |\n|---|---|")
    for name, values in (
        ("AnoGAN, eager torch, ms an image", eager),
        ("AnoGAN, ONNX Runtime, ms an image", graph),
        ("f-AnoGAN, ONNX Runtime, ms an image", encoder),
        ("eager torch / ONNX Runtime", eager / graph),
        ("AnoGAN / f-AnoGAN, both ONNX Runtime", graph / encoder),
    ):
        typer.echo(f"| {name} | {np.median(values):.4g} ({values.min():.4g} to {values.max():.4g}) |")
    typer.echo(f"| largest relative difference of AnoGAN's scores | {difference.max():.2g} |")


def _graph(method: AnomalyMethod, made: np.ndarray, folder: Path, threads: int) -> Session:
    write_onnx(method, refer(method, made), folder / MODEL)
    return Session(folder / MODEL, placement=Placement(threads=threads))


def _torch_score(method: AnomalyMethod, image: np.ndarray) -> float:
    with torch.no_grad():
        return float(method(torch.from_numpy(image)).score)


def _graph_score(graph: Session, image: np.ndarray) -> float:
    return float(graph.run(image).score[0])


def _timed(score: Callable[[], float]) -> tuple[float, float]:
    """Milliseconds and the score."""
    start = time.perf_counter()
    value = score()
    return 1000 * (time.perf_counter() - start), value


if __name__ == "__main__":
    typer.run(run)
