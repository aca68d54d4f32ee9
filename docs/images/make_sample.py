"""Make `sample-chest-xray.dcm`, the X-ray that the README's curl line sends.

    python docs/images/make_sample.py chest_pneumonia_128.npz

It is one image of the development test set (a child's chest with bacterial pneumonia, file
`person35_bacteria_181.jpeg`), scaled to 128 x 128, from Kermany et al., 2018, Mendeley Data,
https://doi.org/10.17632/rscbjbr9sj.2, CC BY 4.0. The DICOM header is made up; no patient stands behind it.
"""

import sys
from pathlib import Path

import numpy as np
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import UID, ComputedRadiographyImageStorage, ExplicitVRLittleEndian

NAME = "person35_bacteria_181.jpeg"
# Below the root for UIDs that are made of a UUID (PS3.5 B.2).
ROOT = "2.25.30114826120160302114052660"


def sample(pixels: np.ndarray) -> Dataset:
    """A CR object of `pixels` `(H, W)` uint8."""
    meta = FileMetaDataset()
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    meta.MediaStorageSOPClassUID = ComputedRadiographyImageStorage
    meta.MediaStorageSOPInstanceUID = UID(f"{ROOT}.3")
    dataset = Dataset()
    dataset.file_meta = meta
    dataset.SOPClassUID, dataset.SOPInstanceUID = (
        meta.MediaStorageSOPClassUID,
        meta.MediaStorageSOPInstanceUID,
    )
    dataset.StudyInstanceUID, dataset.SeriesInstanceUID = f"{ROOT}.1", f"{ROOT}.2"
    dataset.PatientName, dataset.PatientID = "Sample^Atypia", "SAMPLE"
    dataset.PatientBirthDate = dataset.PatientSex = dataset.StudyDate = dataset.StudyTime = ""
    dataset.AccessionNumber = dataset.ReferringPhysicianName = dataset.StudyID = ""
    dataset.Modality, dataset.BodyPartExamined, dataset.ViewPosition = "CR", "CHEST", "AP"
    dataset.SeriesNumber, dataset.InstanceNumber = 1, 1
    dataset.ImageComments = "Kermany et al., doi 10.17632/rscbjbr9sj.2, CC BY 4.0, scaled to 128 x 128"
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME2"
    dataset.Rows, dataset.Columns = pixels.shape
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit, dataset.PixelRepresentation = 8, 8, 7, 0
    dataset.PixelData = pixels.tobytes()
    dataset["PixelData"].VR = "OB"
    return dataset


def main() -> None:
    with np.load(sys.argv[1]) as arrays:
        pixels = arrays["test"][list(arrays["test_name"]).index(NAME)]
    sample(pixels).save_as(Path(__file__).parent / "sample-chest-xray.dcm", enforce_file_format=True)


if __name__ == "__main__":
    main()
