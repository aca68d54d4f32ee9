"""The `atypia-train` command."""

import re
import sys
from pathlib import Path
from typing import Annotated

import typer

from imaging.errors import ImagingError
from inference.bundle import load_bundle
from inference.errors import InferenceError
from models.registry import METHODS
from training.axes import read_axes
from training.compare import chosen_methods, with_baselines
from training.compare import compare as compare_methods
from training.config import Config, load_config
from training.errors import ConfigError, ExportError, TrainingError
from training.evaluate import evaluate as evaluate_bundle
from training.evaluate import write_into_bundle
from training.export import export as export_bundle
from training.fit import fit as fit_method
from training.fit import load_run, read_splits, run_config
from training.fuse import fuse as fuse_bundles
from training.fusion import Maps
from training.illustrate import illustrate as illustrate_bundle
from training.precision import Precision
from training.report import interval
from training.shrink import shrink as shrink_bundle

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Train, export, evaluate and compare anomaly detectors for medical images. Research use only.",
)

ConfigArgument = Annotated[Path, typer.Argument(help="A TOML config.")]
SetOption = Annotated[list[str] | None, typer.Option("--set", help="An override, section.key=value.")]
DEFAULTS = Path(__file__).with_name("comparison.toml")
OutOption = Annotated[Path, typer.Option(help="Folder of the run.")]


def main() -> None:
    """Run the command; what is wrong is said in one line: exit code 2, or 1 where the graph is at fault."""
    try:
        app()
    except ExportError as error:
        typer.echo(f"atypia-train: {error}", err=True)
        sys.exit(1)
    except (TrainingError, InferenceError, ImagingError, ValueError, FileNotFoundError) as error:
        typer.echo(f"atypia-train: {error}", err=True)
        sys.exit(2)


@app.command()
def methods() -> None:
    """List the methods: what each is, and where it comes from."""
    for name, method in sorted(METHODS.items()):
        page = sys.modules[method.__module__].__doc__ or ""
        summary = " ".join(page.split("\n\n")[0].split())
        source = re.search(r"https://\S+?(?=[.,;)]*(\s|$))", page)
        typer.echo(f"{name:18} {summary}\n{'':18} {source.group() if source else 'no source'}")


@app.command()
def fit(
    config: ConfigArgument,
    out: OutOption = Path("runs/latest"),
    override: SetOption = None,
    resume: Annotated[bool, typer.Option(help="Go on from the run's checkpoint.")] = False,
) -> None:
    """Train a method on normal images."""
    fit_method(load_config(config, override or []), out, resume=resume)
    typer.echo(f"trained; the run is in {out}. Next: atypia-train export {out}")


@app.command()
def export(
    run: Annotated[Path, typer.Argument(help="Folder of a finished run.")],
    bundles: Annotated[Path, typer.Option(help="Folder that the bundle goes into.")] = Path("bundles"),
) -> None:
    """Export a run as a bundle, and hold its graph against torch."""
    folder = export_bundle(run, bundles)
    bundle = load_bundle(folder)
    size = sum(path.stat().st_size for path in folder.iterdir()) / 1e6
    typer.echo(f"exported {bundle.reference} to {folder} ({size:.1f} MB, digest {bundle.digest[:12]})")


@app.command()
def fuse(
    config: Annotated[
        Path, typer.Argument(help="A TOML config: its normals calibrate, its name is the name.")
    ],
    members: Annotated[list[Path], typer.Argument(help="Folders of the bundles to fuse.")],
    bundles: Annotated[Path, typer.Option(help="Folder that the bundle goes into.")] = Path("bundles"),
    weight: Annotated[list[float] | None, typer.Option(help="One for each bundle, in order; 1.")] = None,
    maps: Annotated[Maps, typer.Option(help="Which mean of the maps.")] = Maps.GEOMETRIC,
    override: SetOption = None,
) -> None:
    """Fuse several bundles into one, and hold its graph against theirs."""
    loaded = load_config(config, override or [])
    folder = fuse_bundles(loaded, members, bundles, weights=weight or (), maps=maps)
    bundle = load_bundle(folder)
    size = sum(path.stat().st_size for path in folder.iterdir()) / 1e6
    typer.echo(f"fused {len(members)} bundles into {bundle.reference} in {folder} ({size:.1f} MB)")
    typer.echo(bundle.manifest.description)


@app.command()
def evaluate(
    source: Annotated[Path, typer.Argument(help="Folder of a run, or a TOML config: where the data are.")],
    bundle: Annotated[Path, typer.Argument(help="Folder of a bundle.")],
    out: Annotated[Path | None, typer.Option(help="The report's folder; evaluations/BUNDLE.")] = None,
    override: SetOption = None,
    write_card: Annotated[bool, typer.Option(help="Write the figures into the bundle's card.")] = False,
) -> None:
    """Score the test split with an exported bundle, as the service would."""
    config = _config_of(source, override or [])
    folder = out or Path("evaluations") / bundle.name
    made = load_run(source)[1].pictures() if source.is_dir() else {}
    evaluation = evaluate_bundle(load_bundle(bundle), read_splits(config), folder, made=made)
    figure = interval(evaluation.metrics.get("image_auroc"))
    typer.echo(f"{evaluation.bundle}: image AUROC {figure}; report in {folder / 'report.md'}")
    if evaluation.is_inverted:
        typer.echo("inverted: anomalous images score lower than normal ones here", err=True)
    if write_card:
        written = write_into_bundle(bundle, evaluation, config.card.limitations)
        typer.echo(f"wrote the figures into {bundle / 'card.md'}; the digest is now {written.digest[:12]}")


@app.command()
def shrink(
    source: Annotated[Path, typer.Argument(help="Folder of a run, or a TOML config: where the data are.")],
    bundle: Annotated[Path, typer.Argument(help="Folder of a bundle.")],
    precision: Annotated[Precision, typer.Argument(help="int8 for processors, fp16 for graphics cards.")],
    override: SetOption = None,
) -> None:
    """Add the graph in fewer bits to a bundle, with what that costs; its digest changes."""
    config = _config_of(source, override or [])
    shrunk = shrink_bundle(bundle, read_splits(config), precision, config.card.limitations)
    graph = shrunk.manifest.smaller_graphs[precision.value]
    typer.echo(
        f"added {graph.file} to {shrunk.reference}: {graph.megabytes:.1f} of {graph.whole_megabytes:.1f} MB, "
        f"{graph.graph_ms_per_image:.2f} beside {graph.whole_graph_ms_per_image:.2f} ms an image, scores off "
        f"by {100 * graph.largest_score_difference:.2g} %; digest {shrunk.digest[:12]}"
    )


@app.command()
def illustrate(
    source: Annotated[Path, typer.Argument(help="Folder of a run, or a TOML config: where the data are.")],
    bundle: Annotated[Path, typer.Argument(help="Folder of a bundle.")],
    override: SetOption = None,
) -> None:
    """Add test images with their heatmaps to a bundle's card, chosen by a rule; its digest changes."""
    config = _config_of(source, override or [])
    shown = illustrate_bundle(bundle, read_splits(config), config.card.limitations)
    count = len(shown.manifest.examples)
    typer.echo(f"added {count} examples to {shown.reference}; the digest is now {shown.digest[:12]}")


@app.command()
def compare(
    *,
    data: Annotated[Path, typer.Option(help="A data set: .npz, .csv or a folder.")],
    methods: Annotated[str, typer.Option(help="Names separated by commas, or all.")] = "all",
    seeds: Annotated[int, typer.Option(min=1)] = 1,
    out: OutOption = Path("runs/compare"),
    config: Annotated[Path, typer.Option(help="A TOML config for all but data and method.")] = DEFAULTS,
    axes: Annotated[Path | None, typer.Option(help="A TOML file of variants to combine.")] = None,
    override: SetOption = None,
) -> None:
    """Train, export and evaluate several methods; what is finished is not done again.

    Where no method is a baseline, the baselines are compared too.
    """
    chosen = with_baselines(chosen_methods(methods))
    variants = read_axes(axes) if axes else ()
    base = load_config(config, [f"data.path={data}", *(override or [])])
    typer.echo(compare_methods(base, chosen, seeds=seeds, out=out, variants=variants))


def _config_of(source: Path, overrides: list[str]) -> Config:
    if not source.is_dir():
        return load_config(source, overrides)
    if overrides:
        raise ConfigError("a run keeps its own config; leave --set out, or give a TOML config")
    return run_config(source)
