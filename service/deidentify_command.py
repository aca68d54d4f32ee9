"""`atypia deidentify`: copies of image files that name nobody."""

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Annotated

import typer

from imaging.deidentification.profile import Option, Profile
from imaging.deidentification.report import Report
from imaging.deidentification.table import EDITION
from imaging.errors import ImagingError
from imaging.image_files import INDEX
from service.deidentified_copies import Copier
from service.pseudonym_key import KEY_NAME, pseudonym_key
from service.settings import Settings

PseudonymKeyOption = Annotated[
    Path | None,
    typer.Option(help=f"File of the key of the pseudonyms, made if absent; {KEY_NAME} in ATYPIA_DATA_DIR."),
]


def deidentify(
    paths: Annotated[list[Path], typer.Argument(help="Files or folders: DICOM, ZIP, NIfTI, PNG, JPEG.")],
    out: Annotated[Path, typer.Option(help="Folder for the copies.")],
    option: Annotated[
        list[str] | None, typer.Option(help=f"What is retained, again for each: {', '.join(Option)}.")
    ] = None,
    key_file: PseudonymKeyOption = None,
    subject: Annotated[str | None, typer.Option(help="What every patient is called.")] = None,
    report: Annotated[Path | None, typer.Option(help="FILE.json for what was changed.")] = None,
) -> None:
    """Write copies that name nobody, by the Basic Profile of DICOM PS3.15; see docs/deidentification.md.

    Exit codes: 0 all are written; 1 some could not be de-identified and are left out; 2 a mistake.
    """
    profile = Profile.named(option or ())
    _check_apart(paths, out)
    copier = Copier(pseudonym_key(key_file or default_key_file()), profile, subject=subject)
    reports: list[Report] = []
    failures = 0
    warned: Counter[str] = Counter()
    for source, folder in _sources(paths, out, copier):
        try:
            _, made = copier.copy(source, folder)
        except (ImagingError, OSError) as error:
            failures += 1
            typer.echo(f"{source}: {error}", err=True)
            continue
        reports.append(made)
        warned.update(made.warnings)
    for sentence, count in warned.items():
        typer.echo(f"atypia: {count} files: {sentence}; pixels are copied as they are", err=True)
    together = Report.together(reports)
    if report is not None:
        said = {"edition": EDITION, "options": sorted(profile.options), "not_written": failures}
        report.write_text(json.dumps({**said, **together.to_json()}, indent=2) + "\n")
    typer.echo(_sentence(together, failures))
    raise typer.Exit(1 if failures else 0)


def default_key_file() -> Path:
    """Beside the rest that a service keeps, so that one machine makes the same pseudonyms everywhere."""
    return Settings().data_dir / KEY_NAME


def _check_apart(paths: Iterable[Path], out: Path) -> None:
    """Copies among the sources would be sources of the next run, and could take their place."""
    for path in paths:
        if not path.exists():
            raise FileNotFoundError(f"{path} does not exist")
        ours, theirs = out.resolve(), path.resolve()
        if ours == theirs or ours in theirs.parents or (theirs in ours.parents and theirs.is_dir()):
            raise ValueError(f"{out} and {path} lie in each other; choose another folder for --out")


def _sources(paths: Iterable[Path], out: Path, copier: Copier) -> Iterator[tuple[Path, Path]]:
    """Each file, and the folder of its copy: one for each folder of sources: series stay whole."""
    for path in paths:
        if path.is_file():
            yield path, out
            continue
        for file in sorted(path.rglob("*")):
            if file.is_file() and file.name != INDEX and not file.name.startswith("."):
                yield file, out / copier.name_of_folder(file.parent)


def _sentence(report: Report, failures: int) -> str:
    dropped = f", {report.members_dropped} members of archives dropped" if report.members_dropped else ""
    return (
        f"{report.files} images and objects de-identified, {report.uids_mapped} UIDs mapped, "
        f"{report.private_removed} private elements removed{dropped}; {failures} files not written"
    )
