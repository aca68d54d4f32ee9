"""`compare`: train, export and evaluate many methods on one data set, going on where it was stopped."""

import re
import time
from collections.abc import Sequence
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from imaging.errors import ImagingError
from inference.bundle import MODEL, load_bundle
from inference.errors import InferenceError
from inference.session import Session
from models.registry import METHODS
from training.axes import Variant, combinations, varied
from training.beyond import Run, beyond_best_baseline
from training.comparison import Outcome, comparison_table
from training.config import Config, MethodSection
from training.errors import ConfigError, TrainingError
from training.evaluate import evaluate
from training.export import export
from training.fit import fit, load_run
from training.timing import graph_ms_per_image

# What every other method has to beat; they are cheap, and compared with even if nobody asks for them.
BASELINES = ("mean_intensity", "pca", "knn", "oc_svm")
OUTCOME = "outcome.json"
EVALUATION = "evaluation"
SECONDS = "train_seconds.txt"
TABLE = "comparison"


class _Finished(BaseModel):
    """What is left in a run's folder when it has ended: it is not done again while the config is the same."""

    model_config = ConfigDict(frozen=True)

    config: Config
    outcome: Outcome


def chosen_methods(names: str) -> list[str]:
    """`all`, or names separated by commas.

    Raises:
        ConfigError: One of them is unknown.
    """
    chosen = sorted(METHODS) if names == "all" else [name.strip() for name in names.split(",")]
    if unknown := [name for name in chosen if name not in METHODS]:
        raise ConfigError(f"unknown method {unknown[0]!r}; choose from all, {', '.join(sorted(METHODS))}")
    return chosen


def with_baselines(methods: Sequence[str]) -> list[str]:
    """The methods, and all the baselines if none of them is one."""
    if any(name in BASELINES for name in methods):
        return list(methods)
    return [*methods, *(name for name in BASELINES if name in METHODS)]


def compare(
    base: Config, methods: Sequence[str], *, seeds: int, out: Path, variants: Sequence[Variant] = ()
) -> str:
    """Compare the methods on the base config's data and return the table, which is also left in `out`.

    The base's own method keeps its options; the others have their defaults. A method that fails is named
    below the table, and tried again the next time.
    """
    out.mkdir(parents=True, exist_ok=True)
    runs: list[Run] = []
    for method in methods:
        for chosen in combinations(method, variants):
            titles = [variant.title for variant in chosen]
            for seed in range(base.seed, base.seed + seeds):
                folder = out.joinpath(method, *titles, f"seed-{seed}")
                outcome = _outcome(_config(base, method, seed, chosen), folder, " / ".join(titles))
                runs.append(Run(outcome, folder / EVALUATION))
            _write(runs, out)
    return _write(runs, out)


def _config(base: Config, method: str, seed: int, variants: Sequence[Variant]) -> Config:
    section = base.method if base.method.name == method else MethodSection(name=method)
    titles = (variant.title for variant in variants)
    name = re.sub(r"[^a-z0-9]+", "-", "-".join((base.name, method, *titles)).lower()).strip("-")
    return varied(base.model_copy(update={"name": name, "method": section, "seed": seed}), variants)


def _outcome(config: Config, folder: Path, variant: str) -> Outcome:
    if (known := _known(config, folder)) is not None:
        return known
    try:
        outcome = _run(config, folder, variant)
    except (TrainingError, InferenceError, ImagingError, ValueError) as error:
        return Outcome(method=config.method.name, variant=variant, seed=config.seed, error=str(error))
    text = _Finished(config=config, outcome=outcome).model_dump_json(indent=1)
    (folder / OUTCOME).write_text(text + "\n")
    return outcome


def _known(config: Config, folder: Path) -> Outcome | None:
    path = folder / OUTCOME
    if not path.is_file():
        return None
    try:
        finished = _Finished.model_validate_json(path.read_text())
    except ValidationError:
        return None  # it was cut off while being written
    return finished.outcome if finished.config == config else None


def _run(config: Config, folder: Path, variant: str) -> Outcome:
    seconds = _train(config, folder)
    _config_of_run, method, splits = load_run(folder)
    bundle = load_bundle(export(folder, folder / "bundles"))
    session = Session(bundle.folder / MODEL, optimization_level=bundle.manifest.graph_optimization_level)
    return Outcome(
        method=config.method.name,
        variant=variant,
        seed=config.seed,
        train_seconds=seconds,
        bundle_megabytes=sum(path.stat().st_size for path in bundle.folder.iterdir()) / 1e6,
        graph_ms_per_image=graph_ms_per_image(bundle, session),
        evaluation=evaluate(bundle, splits, folder / EVALUATION, made=method.pictures()),
    )


def _train(config: Config, folder: Path) -> float:
    """Train, or go on, and return the seconds of all attempts together, reading the data included."""
    path = folder / SECONDS
    before = float(path.read_text()) if path.is_file() else 0.0
    start = time.perf_counter()
    try:
        fit(config, folder, resume=True)
    finally:
        seconds = before + time.perf_counter() - start
        if folder.is_dir():
            path.write_text(f"{seconds:.3f}\n")
    return seconds


def _write(runs: Sequence[Run], out: Path) -> str:
    outcomes = [run.outcome for run in runs]
    lines = ",\n".join(outcome.model_dump_json() for outcome in outcomes)
    (out / f"{TABLE}.json").write_text(f"[\n{lines}\n]\n")
    beyond = beyond_best_baseline(runs, BASELINES)
    table = comparison_table(outcomes, best_baseline=beyond.best, differences=beyond.differences)
    (out / f"{TABLE}.md").write_text(table)
    return table
