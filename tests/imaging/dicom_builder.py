"""Tiny DICOM files made by hand."""

import io
from typing import Any

import numpy as np
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.uid import UID, CTImageStorage, ExplicitVRLittleEndian, generate_uid

STUDY_UID = "1.2.826.0.1.3680043.8.498.1"
SERIES_UID = "1.2.826.0.1.3680043.8.498.2"
SECRET_NAME = "SECRET^PATIENT"


def dicom_bytes(stored: np.ndarray, **elements: Any) -> bytes:
    """One CT instance of `(H, W)`, `(F, H, W)` or RGB `(H, W, 3)` integers; None removes an element."""
    return write(dicom_dataset(stored, **elements))


def dicom_dataset(stored: np.ndarray, **elements: Any) -> FileDataset:
    meta = FileMetaDataset()
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    meta.MediaStorageSOPClassUID = UID(CTImageStorage)
    dataset = FileDataset("", {}, file_meta=meta, preamble=b"\0" * 128)
    is_colour = stored.ndim == 3 and stored.shape[-1] == 3
    is_multi_frame = stored.ndim == 3 and not is_colour
    rows, columns = stored.shape[1:] if is_multi_frame else stored.shape[:2]
    defaults = {
        "SOPClassUID": CTImageStorage,
        "SOPInstanceUID": generate_uid(),
        "StudyInstanceUID": STUDY_UID,
        "SeriesInstanceUID": SERIES_UID,
        "PatientName": SECRET_NAME,
        "Modality": "CT",
        "Rows": rows,
        "Columns": columns,
        "NumberOfFrames": len(stored) if is_multi_frame else None,
        "SamplesPerPixel": 3 if is_colour else 1,
        "PlanarConfiguration": 0 if is_colour else None,
        "PhotometricInterpretation": "RGB" if is_colour else "MONOCHROME2",
        "BitsAllocated": stored.dtype.itemsize * 8,
        "BitsStored": stored.dtype.itemsize * 8,
        "HighBit": stored.dtype.itemsize * 8 - 1,
        "PixelRepresentation": int(stored.dtype.kind == "i"),
        "PixelData": stored.tobytes(),
    }
    for keyword, value in (defaults | elements).items():
        if value is not None:
            setattr(dataset, keyword, value)
    if "PixelData" in dataset:
        dataset["PixelData"].VR = "OB" if stored.dtype.itemsize == 1 else "OW"
    return dataset


def write(dataset: Dataset) -> bytes:
    out = io.BytesIO()
    dataset.save_as(out, enforce_file_format=True)
    return out.getvalue()


def slice_bytes(z: float, value: int = 0, **elements: Any) -> bytes:
    """An axial slice of 2 rows and 3 columns at height `z`, 0.5 mm between columns and 2 mm between rows."""
    place = {
        "ImagePositionPatient": [10, 20, z],
        "ImageOrientationPatient": [1, 0, 0, 0, 1, 0],
        "PixelSpacing": [2, 0.5],
        "SliceThickness": 3,
    }
    return dicom_bytes(np.full((2, 3), value, np.int16), **(place | elements))


def item(**elements: Any) -> Dataset:
    """A sequence item."""
    dataset = Dataset()
    for keyword, value in elements.items():
        setattr(dataset, keyword, value)
    return dataset
