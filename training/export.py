"""`export`: from a run to a bundle."""

import shutil
from collections.abc import Mapping
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from inference.bundle import CARD, MANIFEST, MODEL, PARITY, TORCHSCRIPT, load_bundle, sha256_of
from inference.manifest import Manifest, NetworkDataFormat, TensorFormat, TrainingData
from inference.session import OUTPUTS, Session
from models.method import InputShape
from training import selection
from training.calibrate import calibrate, measure_scope, operating_points
from training.card import write_card
from training.config import Config
from training.fit import Splits, input_shape, load_run
from training.graph import (
    Reference,
    read_controls,
    refer,
    reference_images,
    write_onnx,
    write_torchscript,
)
from training.prepare import Prepared, prepare

SOFTWARE = ("torch", "onnx", "onnxruntime", "numpy")


def export(run: Path, bundles: Path) -> Path:
    """Write the run's method as a bundle below `bundles` and return its folder, `name-version`.

    Raises:
        ConfigError: There is no finished run.
        ExportError: The graph does not compute what the method does.
    """
    config, method, splits = load_run(run)
    train = prepare(splits.train, config.preprocessing)
    reference = refer(method, reference_images(input_shape(train), train.images))
    draft = begin_bundle(config, bundles)
    write_onnx(method, reference, draft / MODEL)
    write_torchscript(method, reference, draft / TORCHSCRIPT)
    labelled = sum(len(sample.image.slices) for sample in splits.train_anomalous) * method.uses_labels
    words = {
        "selection": selection.sentence(run),
        "training_data": training_data(config, splits, labelled=labelled),
    }
    return finish_bundle(draft, reference, train, config=config, splits=splits, words=words)


def bundle_folder(config: Config, bundles: Path) -> Path:
    return bundles / f"{config.name}-{config.version}"


def begin_bundle(config: Config, bundles: Path) -> Path:
    """An empty folder beside the bundle's for its files."""
    folder = bundle_folder(config, bundles)
    draft = bundles / f".{folder.name}.draft"
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(parents=True)
    return draft


def finish_bundle(
    draft: Path,
    reference: Reference,
    train: Prepared,
    *,
    config: Config,
    splits: Splits,
    words: Mapping[str, Any],
) -> Path:
    """Calibrate the graph in `draft`, add all else that a bundle holds and put it in its place.

    `words` are fields of the manifest that the config does not say, or says otherwise.
    """
    _write_parity(reference, draft / PARITY)
    calibration = calibrate(config, Session(draft / MODEL), splits.calibration)
    held_out = prepare(splits.calibration, config.preprocessing)
    manifest = Manifest(
        **(_words(config, splits) | dict(words)),
        network_data_format=_formats(
            input_shape(train), draft / MODEL, has_reconstruction=reference.reconstruction is not None
        ),
        contrasts=config.data.contrasts,
        preprocessing=config.preprocessing,
        volume_score=config.volume_score,
        scope=measure_scope(config.scope, train, held_out),
        calibration=calibration,
        operating_points=operating_points(calibration),
        default_operating_point=config.calibration.default_operating_point,
        files={},
    )
    (draft / CARD).write_text(write_card(manifest, config.card.limitations))
    write_manifest(draft, manifest)
    folder = bundle_folder(config, draft.parent)
    shutil.rmtree(folder, ignore_errors=True)
    draft.rename(folder)
    load_bundle(folder)
    return folder


def training_data(config: Config, splits: Splits, *, labelled: int = 0) -> TrainingData:
    """What was trained on, as the manifest has it; `labelled` counts anomalous images."""
    return TrainingData(
        data_source=config.card.data_source,
        licence=config.card.data_licence,
        attribution=config.card.attribution,
        images=sum(len(sample.image.slices) for sample in splits.train),
        patients=len({sample.patient for sample in splits.train}),
        labelled_anomalous=labelled,
    )


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Write the manifest with the sha256 of every other file of the bundle."""
    names = sorted(path.name for path in folder.iterdir() if path.name != MANIFEST)
    files = {name: sha256_of(folder / name) for name in names}
    complete = manifest.model_copy(update={"files": files})
    (folder / MANIFEST).write_text(complete.model_dump_json(indent=1) + "\n")


def _write_parity(reference: Reference, path: Path) -> None:
    arrays = {"image": reference.image, "score": reference.score, "anomaly_map": reference.anomaly_map}
    np.savez_compressed(path, allow_pickle=False, **arrays)


def _words(config: Config, splits: Splits) -> dict[str, Any]:
    card = config.card
    return {
        "name": config.name,
        "version": config.version,
        "method": config.method.name,
        "description": card.description,
        "authors": card.authors,
        "copyright": card.copyright,
        "licence": card.licence,
        "references": card.references,
        "training_data": training_data(config, splits),
        "created_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "software": {name: version(name) for name in SOFTWARE},
    }


def _formats(shape: InputShape, graph: Path, *, has_reconstruction: bool) -> NetworkDataFormat:
    size = (shape.height, shape.width)
    picture = TensorFormat(num_channels=shape.channels, spatial_shape=size, value_range=(0.0, 1.0))
    outputs = {"anomaly_map": TensorFormat(num_channels=1, spatial_shape=size)}
    if has_reconstruction:
        outputs[OUTPUTS[2]] = picture
    return NetworkDataFormat(inputs={"image": picture}, controls=read_controls(graph), outputs=outputs)
