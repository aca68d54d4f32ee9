"""`fit`: from a config to a trained method in a run's folder."""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from lightning_fabric import Fabric

from models.method import AnomalyMethod, InputShape
from training.checkpoint import load_checkpoint
from training.config import Config, build_method
from training.data.data_set import DataSet, Sample, hold_out
from training.data.read import read_data_set
from training.errors import ConfigError, DataError
from training.loop import Loop, Pace, Shown
from training.monitor import Monitor
from training.prepare import Prepared, prepare
from training.selection import SHARE, check_selectable

CONFIG = "config.json"


@dataclass(frozen=True)
class Splits:
    """A data set as one config divides it; by patient, the same for the same seed.

    `selection` are held-out normals that choose the checkpoint, and so cannot calibrate; empty if none does.
    `train_anomalous` is for the methods that use labels; no other is shown them.
    """

    train: tuple[Sample, ...]
    calibration: tuple[Sample, ...]
    test: tuple[Sample, ...]
    train_anomalous: tuple[Sample, ...] = ()
    selection: tuple[Sample, ...] = ()


def read_splits(config: Config) -> Splits:
    """Read the config's data and hold out the calibration patients.

    Raises:
        DataError: The data cannot be read, or nobody is left for the calibration.
    """
    where = config.data
    data: DataSet = read_data_set(
        where.path, patient_pattern=where.patient_pattern, contrasts=where.contrasts, mask=where.mask
    )
    # Nobody is held out whose other images are trained on.
    labelled = {sample.patient for sample in data.train_anomalous}
    free = [sample for sample in data.train if sample.patient not in labelled]
    train, held = hold_out(free, share=config.calibration.share, seed=config.seed)
    train += [sample for sample in data.train if sample.patient in labelled]
    calibration: tuple[Sample, ...] = (*data.validation, *held)
    selection: tuple[Sample, ...] = ()
    if config.fit.select == "held_out":
        calibration, selection = _divide(calibration, config.seed)
    if not calibration or not train:
        raise DataError(
            f"{len(train)} images are left to train on and {len(calibration)} to calibrate with; "
            f"change calibration.share or add normals"
        )
    return Splits(tuple(train), calibration, data.test, data.train_anomalous, selection)


def input_shape(prepared: Prepared) -> InputShape:
    _count, channels, height, width = prepared.images.shape
    return InputShape(channels, height, width)


def fit(config: Config, folder: Path, *, resume: bool) -> AnomalyMethod:
    """Train the config's method and leave everything in `folder`.

    Raises:
        ConfigError: The folder holds another config's run and `resume` is asked for.
        DataError: The data does not fit.
    """
    folder.mkdir(parents=True, exist_ok=True)
    _claim(folder, config, resume=resume)
    splits = read_splits(config)
    fabric = _fabric(config)
    fabric.launch()
    torch.manual_seed(config.seed)
    shape = input_shape(prepare(splits.train[:1], config.preprocessing))
    method = build_method(config.method, shape)
    labelled = splits.train_anomalous if method.uses_labels else ()
    train = prepare((*splits.train, *labelled), config.preprocessing)
    normals = int((train.owner < len(splits.train)).sum())
    is_selected = config.fit.select == "held_out"
    if is_selected:
        check_selectable(config.method.name, method.stages())
    held_out = prepare(splits.selection or splits.calibration, config.preprocessing)
    loop = Loop(
        fabric,
        method,
        Shown(
            normals=torch.from_numpy(train.images[:normals]),
            anomalous=torch.from_numpy(train.images[normals:]),
            held_out=torch.from_numpy(held_out.images),
        ),
        folder=folder,
        pace=Pace(config.fit.batch_size, config.seed, config.fit.checkpoint_every_steps, is_selected),
    )
    with Monitor(folder, is_silent=fabric.global_rank != 0) as monitor:
        loop.run(monitor, resume=resume)
    return method.cpu().eval()


def run_config(folder: Path) -> Config:
    """The config that a run was started with.

    Raises:
        ConfigError: There is no run.
    """
    path = folder / CONFIG
    if not path.is_file():
        raise ConfigError(f"{folder} holds no run; make one with `atypia-train fit`")
    return Config.model_validate_json(path.read_text())


def load_run(folder: Path) -> tuple[Config, AnomalyMethod, Splits]:
    """A finished run: its config, its trained method on the CPU and its data.

    Raises:
        ConfigError: There is no run, or it has not ended.
    """
    config = run_config(folder)
    checkpoint = load_checkpoint(folder)
    if checkpoint is None:
        raise ConfigError(f"the run in {folder} has no checkpoint yet; go on with `atypia-train fit`")
    splits = read_splits(config)
    shape = input_shape(prepare(splits.train[:1], config.preprocessing))
    method = build_method(config.method, shape)
    if checkpoint.stage < len(method.stages()):
        raise ConfigError(f"the run in {folder} has not ended; go on with `atypia-train fit --resume`")
    method.load_state_dict(dict(checkpoint.method))
    return config, method.eval().requires_grad_(False), splits


def _divide(held: Sequence[Sample], seed: int) -> tuple[tuple[Sample, ...], tuple[Sample, ...]]:
    """Those who calibrate and those who select; other patients each.

    Raises:
        DataError: Nobody is left to select by.
    """
    calibration, selection = hold_out(held, share=SHARE, seed=seed)
    if not selection:
        raise DataError("too few normals are held out to select a checkpoint by; change calibration.share")
    return tuple(calibration), tuple(selection)


def _claim(folder: Path, config: Config, *, resume: bool) -> None:
    path = folder / CONFIG
    text = config.model_dump_json(indent=2)
    if resume and path.is_file() and path.read_text() != text:
        raise ConfigError(
            f"{folder} holds the run of another config; give another --out, or leave --resume out"
        )
    path.write_text(text)


def _fabric(config: Config) -> Fabric:
    with warnings.catch_warnings():
        # Fabric advises on hardware that was left unused on purpose.
        warnings.simplefilter("ignore")
        return Fabric(
            accelerator=config.fit.device,
            devices=config.fit.devices,
            precision=config.fit.precision,
            strategy="auto" if config.fit.devices == 1 else "ddp",
        )
