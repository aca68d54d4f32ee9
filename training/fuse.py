"""`fuse`: from several bundles to one that holds them all."""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx

from inference.bundle import MODEL, PARITY_TOLERANCE, TORCHSCRIPT, Bundle, largest_difference, load_bundle
from inference.manifest import Member
from inference.predictor import Predictor
from models.method import InputShape
from training.calibrate import calibrate
from training.config import Config
from training.data.data_set import Sample
from training.errors import ConfigError
from training.export import begin_bundle, bundle_folder, finish_bundle, training_data
from training.fit import input_shape, read_splits
from training.fusion import Balance, FusedModule, Fusion, Maps, balance_of, fuse_outputs, merge_graphs
from training.graph import Reference, read_torchscript, reference_images, write_model, write_torchscript
from training.prepare import prepare

METHOD = "ensemble"
MAPS = {Maps.GEOMETRIC: "geometric", Maps.MEAN: "arithmetic"}


def fuse(
    config: Config, folders: Sequence[Path], bundles: Path, *, weights: Sequence[float] = (), maps: Maps
) -> Path:
    """Write the bundles in `folders` as one below `bundles` and return its folder, `name-version`.

    The config says where the normals are that calibrate it, and what it is called; its method is not asked.

    Args:
        weights: One for each bundle; none of them: all 1.

    Raises:
        BundleError: A bundle is incomplete, was altered or computes something else here.
        ConfigError: The bundles, their weights and the config do not go together.
        DataError: The data cannot be read.
        ExportError: The graph does not compute what its members do.
    """
    members = [load_bundle(folder) for folder in folders]
    weights = tuple(weights) or (1.0,) * len(members)
    _check_alike(config, members)
    _check_weights(weights, members)
    if bundle_folder(config, bundles).resolve() in [folder.resolve() for folder in folders]:
        raise ConfigError(
            f"{config.name}@{config.version} would replace its own member; give it another name"
        )
    fusion = Fusion(_balances(members, weights), maps)
    splits = read_splits(config)
    train = prepare(splits.train, config.preprocessing)
    picture = members[0].manifest.input
    if (shape := input_shape(train)) != InputShape(picture.num_channels, *picture.spatial_shape):
        raise ConfigError(
            f"the config's images are {_size(shape.channels, shape.height, shape.width)} when prepared, "
            f"the bundles take {_size(picture.num_channels, *picture.spatial_shape)}"
        )
    predictors = [Predictor.load(member) for member in members]
    reference = _refer(predictors, fusion, reference_images(shape, train.images))
    draft = begin_bundle(config, bundles)
    graphs = [onnx.load(member.folder / MODEL) for member in members]
    write_model(merge_graphs(graphs, picture, fusion), reference, draft / MODEL, origin="its members")
    notes = [f"The scores are the members', put on one scale, and the map is their {MAPS[maps]} mean."]
    if bare := [member.reference for member in members if TORCHSCRIPT not in member.manifest.files]:
        notes.append(f"There is no TorchScript of it: {', '.join(bare)} has none.")
    else:
        modules = [read_torchscript(member.folder / TORCHSCRIPT) for member in members]
        write_torchscript(FusedModule(modules, fusion), reference, draft / TORCHSCRIPT)
    if others := [
        found.bundle.reference for found in predictors if not _shares(config, found, splits.calibration)
    ]:
        notes.append(
            f"It is not calibrated by those normals that calibrated {', '.join(others)}: "
            f"they may be among those trained on, and the thresholds too low."
        )
    labelled = max(member.manifest.training_data.labelled_anomalous for member in members)
    words = _words(config, members, weights, notes)
    words["training_data"] = training_data(config, splits, labelled=labelled)
    return finish_bundle(draft, reference, train, config=config, splits=splits, words=words)


def _check_alike(config: Config, members: Sequence[Bundle]) -> None:
    if len(members) < 2:
        raise ConfigError("name at least two bundles to fuse")
    first = members[0]
    for member in members:
        if member.manifest.input != first.manifest.input:
            sizes = [
                f"{bundle.reference} takes {_size(picture.num_channels, *picture.spatial_shape)}"
                for bundle, picture in ((first, first.manifest.input), (member, member.manifest.input))
            ]
            raise ConfigError(f"{' and '.join(sizes)}: bundles of one input size can be fused")
        if member.manifest.contrasts != config.data.contrasts:
            raise ConfigError(
                f"{member.reference} has other contrasts than the config's data.contrasts: make them the same"
            )
        if member.manifest.preprocessing != config.preprocessing:
            raise ConfigError(
                f"{member.reference} prepares images otherwise than the config: make them the same"
            )


def _size(*sides: int) -> str:
    return " x ".join(str(side) for side in sides)


def _check_weights(weights: Sequence[float], members: Sequence[Bundle]) -> None:
    if len(weights) != len(members):
        raise ConfigError(f"{len(members)} bundles need as many weights, not {len(weights)}")
    if wrong := [weight for weight in weights if not (math.isfinite(weight) and weight > 0)]:
        raise ConfigError(f"a weight is a number above 0, not {wrong[0]:g}")


def _balances(members: Sequence[Bundle], weights: Sequence[float]) -> tuple[Balance, ...]:
    balances = []
    for member, weight in zip(members, weights, strict=True):
        try:
            balances.append(balance_of(member.manifest.calibration, weight / sum(weights)))
        except ConfigError as error:
            raise ConfigError(f"{member.reference} cannot be fused: {error}") from error
    return tuple(balances)


def _refer(predictors: Sequence[Predictor], fusion: Fusion, images: np.ndarray) -> Reference:
    """What the members' own sessions say of the images, fused."""
    output = fuse_outputs([predictor.session.run(images) for predictor in predictors], fusion)
    return Reference(images, output.score, output.anomaly_map, output.reconstruction)


def _shares(config: Config, predictor: Predictor, samples: Sequence[Sample]) -> bool:
    """Whether the samples are those that calibrated the member: whether they get its calibration scores."""
    manifest = predictor.bundle.manifest
    alike = config.model_copy(update={"volume_score": manifest.volume_score})
    ours, theirs = calibrate(alike, predictor.session, samples).scores, manifest.calibration.scores
    return (
        len(ours) == len(theirs) and largest_difference(np.array(ours), np.array(theirs)) <= PARITY_TOLERANCE
    )


def _words(
    config: Config, members: Sequence[Bundle], weights: Sequence[float], notes: Sequence[str]
) -> dict[str, Any]:
    cited = [*config.card.references, *(name for member in members for name in member.manifest.references)]
    chosen = {member.manifest.selection: None for member in members if member.manifest.selection}
    return {
        "method": METHOD,
        "members": tuple(
            Member(
                name=member.manifest.name,
                version=member.manifest.version,
                digest=member.digest,
                method=member.manifest.method,
                weight=weight,
            )
            for member, weight in zip(members, weights, strict=True)
        ),
        "description": " ".join([config.card.description, *notes]),
        "references": tuple(dict.fromkeys(cited)),
        "selection": " ".join(chosen),
    }
