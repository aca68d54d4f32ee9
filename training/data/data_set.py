"""A data set in memory: images with patient, label and, where there is one, a reference mask."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from imaging.image import Image
from training.errors import DataError

NORMAL, ANOMALOUS = 0, 1


@dataclass(frozen=True)
class Sample:
    """One image of a data set."""

    name: str
    patient: str
    image: Image
    gt_label: int = NORMAL
    gt_mask: np.ndarray | None = None  # (D, H, W) bool; None where nobody drew one
    kind: str = ""  # what the data set itself calls it


@dataclass(frozen=True)
class DataSet:
    """`train` and `validation` hold normals only; all but `train` may be empty.

    `train_anomalous` holds a few confirmed anomalous images for the methods that learn from labels.
    """

    train: tuple[Sample, ...]
    validation: tuple[Sample, ...]
    test: tuple[Sample, ...]
    train_anomalous: tuple[Sample, ...] = ()

    @classmethod
    def of(
        cls,
        train: Iterable[Sample],
        validation: Iterable[Sample],
        test: Iterable[Sample],
        train_anomalous: Iterable[Sample] = (),
    ) -> "DataSet":
        """Check and hold the splits.

        Raises:
            DataError: There is nothing to train on, an anomalous image is in training or validation, a normal
                one among the labelled anomalous ones, or a patient is in two splits.
        """
        labelled = tuple(train_anomalous)
        if wrong := [sample.name for sample in labelled if sample.gt_label != ANOMALOUS]:
            raise DataError(f"{len(wrong)} normal images are in train_anomalous, such as {wrong[0]}")
        splits = {"train": tuple(train), "validation": tuple(validation), "test": tuple(test)}
        if not splits["train"]:
            raise DataError("the data set has no training images; it needs a train split of normals")
        for name in ("train", "validation"):
            if wrong := [sample.name for sample in splits[name] if sample.gt_label != NORMAL]:
                raise DataError(f"{len(wrong)} anomalous images are in the {name} split, such as {wrong[0]}")
        _check_apart({**splits, "train": (*splits["train"], *labelled)})
        return cls(splits["train"], splits["validation"], splits["test"], labelled)


def hold_out(samples: Sequence[Sample], *, share: float, seed: int) -> tuple[list[Sample], list[Sample]]:
    """Split by patient: those kept for training, and about `share` of the patients held out."""
    patients = sorted({sample.patient for sample in samples})
    np.random.default_rng(seed).shuffle(patients)
    held = set(patients[: round(share * len(patients))])
    kept = [sample for sample in samples if sample.patient not in held]
    return kept, [sample for sample in samples if sample.patient in held]


def _check_apart(splits: dict[str, tuple[Sample, ...]]) -> None:
    owner: dict[str, str] = {}
    for name, samples in splits.items():
        for patient in {sample.patient for sample in samples}:
            if owner.setdefault(patient, name) != name:
                raise DataError(
                    f"patient {patient!r} is in the {owner[patient]} and the {name} split; "
                    f"split by patient, or set data.patient_pattern"
                )
