"""The `atypia-train` command."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from imaging.errors import ImagingError
from inference.bundle import load_bundle
from inference.errors import InferenceError
from models.registry import METHODS
from training.config import load_config
from training.errors import TrainingError
from training.export import export as export_bundle
from training.fit import fit as fit_method

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Train, export, evaluate and compare anomaly detectors for medical images. Research use only.",
)

ConfigArgument = Annotated[Path, typer.Argument(help="A TOML config.")]
SetOption = Annotated[list[str] | None, typer.Option("--set", help="An override, section.key=value.")]
OutOption = Annotated[Path, typer.Option(help="Folder of the run.")]


def main() -> None:
    """Run the command; what is wrong is said in one line, exit code 2."""
    try:
        app()
    except (TrainingError, InferenceError, ImagingError, ValueError, FileNotFoundError) as error:
        typer.echo(f"atypia-train: {error}", err=True)
        sys.exit(2)


@app.command()
def methods() -> None:
    """List the methods."""
    for name, method in sorted(METHODS.items()):
        summary = (sys.modules[method.__module__].__doc__ or "").splitlines()[0]
        typer.echo(f"{name:16} {summary}")


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
