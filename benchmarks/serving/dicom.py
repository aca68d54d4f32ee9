"""One X-ray in every transfer syntax that there is an encoder for."""

import io
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import gdcm
import numpy as np
from pydicom import Dataset, FileDataset, dcmread, dcmwrite
from pydicom.dataset import FileMetaDataset
from pydicom.uid import (
    UID,
    DeflatedExplicitVRLittleEndian,
    DigitalXRayImageStorageForPresentation,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGLSLossless,
    RLELossless,
    generate_uid,
)
from scipy import ndimage

Encoder = Callable[[FileDataset], bytes]


def x_ray(side: int, *, bits: int) -> FileDataset:
    """A radiograph of `side` x `side`: smooth, with the grain that makes compression work."""
    rng = np.random.default_rng(0)
    smooth = ndimage.gaussian_filter(rng.random((side, side)), side / 40)
    smooth = (smooth - smooth.min()) / np.ptp(smooth)
    stored = np.clip(smooth * 2**bits + rng.normal(0, 2, smooth.shape), 0, 2**bits - 1)
    meta = FileMetaDataset()
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    meta.MediaStorageSOPClassUID = DigitalXRayImageStorageForPresentation
    meta.MediaStorageSOPInstanceUID = generate_uid()
    instance = FileDataset("", {}, file_meta=meta, preamble=bytes(128))
    instance.SOPClassUID, instance.SOPInstanceUID = (
        meta.MediaStorageSOPClassUID,
        meta.MediaStorageSOPInstanceUID,
    )
    instance.StudyInstanceUID, instance.SeriesInstanceUID = generate_uid(), generate_uid()
    instance.Modality, instance.PixelSpacing = "DX", [0.2, 0.2]
    instance.Rows = instance.Columns = side
    instance.SamplesPerPixel, instance.PhotometricInterpretation = 1, "MONOCHROME2"
    instance.BitsAllocated = 8 if bits <= 8 else 16
    instance.BitsStored, instance.HighBit, instance.PixelRepresentation = bits, bits - 1, 0
    instance.PixelData = stored.astype(np.uint8 if bits <= 8 else "<u2").tobytes()
    instance["PixelData"].VR = "OB" if bits <= 8 else "OW"
    return instance


def _written(instance: Dataset, **options: Any) -> bytes:
    out = io.BytesIO()
    dcmwrite(out, instance, **options)
    return out.getvalue()


def _plain(syntax: UID) -> Encoder:
    def encode(instance: FileDataset) -> bytes:
        instance.file_meta.TransferSyntaxUID = syntax
        if syntax == ExplicitVRBigEndian and instance.BitsAllocated == 16:
            instance.PixelData = np.frombuffer(instance.PixelData, "<u2").astype(">u2").tobytes()
        return _written(instance, implicit_vr=syntax.is_implicit_VR, little_endian=syntax.is_little_endian)

    return encode


def _compressed(syntax: UID, plugin: str) -> Encoder:
    def encode(instance: FileDataset) -> bytes:
        instance.compress(syntax, encoding_plugin=plugin)
        return _written(instance)

    return encode


def _by_gdcm(syntax: int) -> Encoder:
    def encode(instance: FileDataset) -> bytes:
        with TemporaryDirectory() as folder:
            path = Path(folder, "one.dcm")
            path.write_bytes(_written(instance))
            reader = gdcm.ImageReader()
            reader.SetFileName(str(path))
            change = gdcm.ImageChangeTransferSyntax()
            change.SetTransferSyntax(gdcm.TransferSyntax(syntax))
            if not reader.Read():
                raise RuntimeError("gdcm cannot read the X-ray")
            change.SetInput(reader.GetImage())
            if not change.Change():
                raise RuntimeError(f"gdcm cannot write {gdcm.TransferSyntax(syntax).GetString()}")
            writer = gdcm.ImageWriter()
            writer.SetFileName(str(path))
            writer.SetFile(reader.GetFile())
            writer.SetImage(change.GetOutput())
            writer.Write()
            return path.read_bytes()

    return encode


# Name -> (bits, encoder). Nothing here writes HTJ2K, which is read too, or reads JPEG Extended of 12 bits.
ENCODERS: dict[str, tuple[int, Encoder]] = {
    "Implicit VR Little Endian": (12, _plain(ImplicitVRLittleEndian)),
    "Explicit VR Little Endian": (12, _plain(ExplicitVRLittleEndian)),
    "Explicit VR Big Endian": (12, _plain(ExplicitVRBigEndian)),
    "Deflated Explicit VR Little Endian": (12, _plain(DeflatedExplicitVRLittleEndian)),
    "RLE Lossless": (12, _compressed(RLELossless, "pylibjpeg")),
    "JPEG Baseline, 8 bits": (8, _by_gdcm(gdcm.TransferSyntax.JPEGBaselineProcess1)),
    "JPEG Lossless, first-order": (12, _by_gdcm(gdcm.TransferSyntax.JPEGLosslessProcess14_1)),
    "JPEG-LS Lossless": (12, _compressed(JPEGLSLossless, "pyjpegls")),
    "JPEG 2000 Lossless": (12, _compressed(JPEG2000Lossless, "pylibjpeg")),
}


def decoded_by_pydicom(content: bytes) -> np.ndarray:
    """The stored values, as pydicom's default decoder gives them."""
    return dcmread(io.BytesIO(content)).pixel_array
