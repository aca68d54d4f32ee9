import csv
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.training.tiny import discs, write_data
from training.data.arrays import image_of_array
from training.data.data_set import ANOMALOUS, DataSet, Sample, hold_out
from training.data.read import read_data_set
from training.errors import DataError

PATIENT = r"^([pt]\d+)-"


def sample(name: str, patient: str, label: int = 0) -> Sample:
    return Sample(name, patient, image_of_array(np.zeros((4, 4), np.uint8)), label)


def write_png(path: Path, pixels: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for index, pixels in enumerate(discs(4, seed=0)):
        place = ("train", "val", "test/normal", "test/anomalous")[index]
        write_png(tmp_path / place / f"p{index}-x.png", pixels)
    write_png(tmp_path / "test/masks/p3-x.png", np.eye(32, dtype=np.uint8) * 255)
    return tmp_path


def test_arrays_give_splits_labels_masks_and_patients(tmp_path: Path):
    data = read_data_set(write_data(tmp_path), patient_pattern=PATIENT)
    assert (len(data.train), len(data.validation), len(data.test)) == (60, 0, 16)
    assert len({sample.patient for sample in data.train}) == 30
    last = data.test[-1]
    assert last.gt_label == ANOMALOUS
    assert last.gt_mask is not None and last.gt_mask.sum() == 36


def test_a_tree_of_folders_gives_splits_labels_and_masks(folder: Path):
    data = read_data_set(folder, patient_pattern=PATIENT)
    assert [sample.patient for sample in (*data.train, *data.validation, *data.test)] == [
        "p0",
        "p1",
        "p2",
        "p3",
    ]
    assert [sample.gt_label for sample in data.test] == [0, 1]
    assert data.test[1].gt_mask is not None and data.test[1].gt_mask.sum() == 32


def test_a_flat_folder_is_a_training_split(folder: Path):
    data = read_data_set(folder / "val", patient_pattern=PATIENT)
    assert (len(data.train), len(data.test)) == (1, 0)


def test_a_csv_names_patient_split_label_and_mask(folder: Path):
    rows = [
        ("train/p0-x.png", "a", "train", "normal", ""),
        ("test/anomalous/p3-x.png", "b", "test", "1", "test/masks/p3-x.png"),
    ]
    with (folder / "set.csv").open("w", newline="") as file:
        csv.writer(file).writerows([("path", "patient", "split", "label", "mask"), *rows])
    data = read_data_set(folder / "set.csv", patient_pattern=PATIENT)
    assert [(s.patient, s.gt_label) for s in (*data.train, *data.test)] == [("a", 0), ("b", 1)]
    assert data.test[0].gt_mask is not None


def test_a_csv_with_an_unknown_split_names_the_line(folder: Path):
    (folder / "set.csv").write_text("path,split\ntrain/p0-x.png,training\n")
    with pytest.raises(DataError, match="line 2: split is 'training', not train, val, test"):
        read_data_set(folder / "set.csv", patient_pattern=PATIENT)


def test_a_patient_in_two_splits_is_refused_by_name():
    with pytest.raises(DataError, match="patient 'p1' is in the train and the test split"):
        DataSet.of([sample("a", "p1")], [], [sample("b", "p1")])


def test_an_anomalous_image_in_training_is_refused():
    with pytest.raises(DataError, match="1 anomalous images are in the train split, such as a"):
        DataSet.of([sample("a", "p1", ANOMALOUS)], [], [])


def test_arrays_may_hold_labelled_anomalous_images(tmp_path: Path):
    pictures = discs(3, seed=0)
    np.savez(tmp_path / "set.npz", train_normal=pictures[:2], train_anomalous=pictures[2:])
    data = read_data_set(tmp_path / "set.npz", patient_pattern="(.+)")
    assert [(s.name, s.gt_label) for s in data.train_anomalous] == [("train_anomalous-0", ANOMALOUS)]
    assert len(data.train) == 2


def test_a_tree_of_folders_may_hold_labelled_anomalous_images(folder: Path):
    write_png(folder / "train_anomalous/p4-x.png", discs(1, seed=5)[0])
    data = read_data_set(folder, patient_pattern=PATIENT)
    assert [(s.patient, s.gt_label) for s in data.train_anomalous] == [("p4", ANOMALOUS)]


def test_an_anomalous_training_image_of_a_csv_is_a_labelled_one(folder: Path):
    rows = ["train/p0-x.png,train,0", "test/anomalous/p3-x.png,train,1"]
    (folder / "set.csv").write_text("\n".join(["path,split,label", *rows]))
    data = read_data_set(folder / "set.csv", patient_pattern="(.+)")
    assert [s.name for s in data.train] == ["train/p0-x.png"]
    assert [s.name for s in data.train_anomalous] == ["test/anomalous/p3-x.png"]


def test_a_labelled_patient_in_the_test_split_is_refused():
    with pytest.raises(DataError, match="patient 'p2' is in the train and the test split"):
        DataSet.of([sample("a", "p1")], [], [sample("b", "p2")], [sample("c", "p2", ANOMALOUS)])


def test_a_normal_image_among_the_labelled_anomalous_is_refused():
    with pytest.raises(DataError, match="1 normal images are in train_anomalous, such as c"):
        DataSet.of([sample("a", "p1")], [], [], [sample("c", "p2")])


def test_a_name_without_a_patient_is_refused(tmp_path: Path):
    with pytest.raises(DataError, match="finds no patient in 'p0-0'"):
        read_data_set(write_data(tmp_path), patient_pattern="^(person)")


def test_a_file_that_is_no_image_is_named(folder: Path):
    (folder / "train" / "p9-x.txt").write_text("no image")
    with pytest.raises(DataError, match=r"p9-x\.txt cannot be read"):
        read_data_set(folder, patient_pattern=PATIENT)


def test_a_missing_data_set_is_said_to_be_missing(tmp_path: Path):
    with pytest.raises(DataError, match=r"there is no data set at .*none\.npz; set data\.path"):
        read_data_set(tmp_path / "none.npz", patient_pattern=PATIENT)


def test_holding_out_never_divides_a_patient():
    samples = [sample(f"{patient}-{index}", f"p{patient}") for patient in range(10) for index in range(3)]
    kept, held = hold_out(samples, share=0.3, seed=0)
    assert (len(kept), len(held)) == (21, 9)
    assert not {s.patient for s in kept} & {s.patient for s in held}


def test_holding_out_is_the_same_for_the_same_seed():
    samples = [sample(str(index), str(index)) for index in range(20)]
    assert hold_out(samples, share=0.5, seed=3) == hold_out(samples, share=0.5, seed=3)
    assert hold_out(samples, share=0.5, seed=3) != hold_out(samples, share=0.5, seed=4)
