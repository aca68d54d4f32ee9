"""DICOM files that ask for too much, or lie: headers, sequences, polyglots."""

import io
import struct
import zipfile
import zlib

from imaging.errors import (
    ImageTooLargeError,
    InconsistentSeriesError,
    NoPixelDataError,
    UnreadableImageError,
    UnsupportedImageError,
)
from tests.hostile.hostile_file import HostileFile, harmless, refused
from tests.hostile.raw_dicom import (
    DEFLATED,
    ITEM_END,
    SEQUENCE_END,
    UNDEFINED,
    Odd,
    dataset,
    dicom,
    element,
    item,
    meta,
    tagged,
    us,
)

PRIVATE_SEQUENCE = 0x00091010
FULL = us(65535)


def dicom_files() -> dict[str, HostileFile]:
    return {**_sizes(), **_values(), **_structures(), **_polyglots()}


def _sizes() -> dict[str, HostileFile]:
    return {
        "rows x columns x frames over 2^63": refused(
            UnreadableImageError, dicom(Rows=FULL, Columns=FULL, NumberOfFrames=b"2147483647")
        ),
        "a count of frames of 400 digits": refused(UnreadableImageError, dicom(NumberOfFrames=b"9" * 400)),
        "frames without end": refused(UnreadableImageError, dicom(NumberOfFrames=b"1e308")),
        "negative frames": refused(UnreadableImageError, dicom(NumberOfFrames=b"-5")),
        "frames that are no number": refused(UnreadableImageError, dicom(NumberOfFrames=b"many")),
        "no rows": refused(UnreadableImageError, dicom(Rows=us(0))),
        "rows written as text": refused(UnreadableImageError, dicom(Rows=Odd(b"four", b"LO"))),
        "rows as a sequence": refused(UnreadableImageError, dicom(Rows=Odd(item(), b"SQ"))),
        "rows of half a number": refused(UnreadableImageError, dicom(Rows=Odd(us(4), b"UL"))),
        "two values of rows": harmless(dicom(Rows=us(4, 65535))),
        "bits allocated of 7": refused(UnsupportedImageError, dicom(BitsAllocated=us(7))),
        "more bits stored than allocated": refused(UnreadableImageError, dicom(BitsStored=us(64))),
        "no bits stored": harmless(dicom(BitsStored=us(0))),
        "planar configuration 7": refused(
            UnreadableImageError,
            dicom(SamplesPerPixel=us(3), BitsAllocated=us(8), BitsStored=us(8), PlanarConfiguration=us(7),
                  PhotometricInterpretation=b"RGB", PixelData=Odd(bytes(48), b"OB")),
        ),
        "one bit in every pixel": harmless(
            dicom(BitsAllocated=us(1), BitsStored=us(1), PixelData=Odd(b"\x0f\xf0", b"OB"))
        ),
        "more slices than allowed": refused(
            ImageTooLargeError,
            dicom(Rows=us(1), Columns=us(1), NumberOfFrames=b"30000", PixelData=Odd(bytes(60000), b"OW")),
        ),
    }  # fmt: skip


def _values() -> dict[str, HostileFile]:
    place = {"ImageOrientationPatient": b"1\\0\\0\\0\\1\\0", "ImagePositionPatient": b"0\\0\\0"}
    floats = struct.pack("<16f", *[float("nan"), float("inf"), -float("inf")] * 5, 1.0)
    return {
        "pixels of NaN and infinity": harmless(
            dicom(BitsAllocated=us(32), PixelData=None, FloatPixelData=Odd(floats, b"OF"))
        ),
        "no finite pixel at all": refused(
            UnreadableImageError,
            dicom(BitsAllocated=us(32), PixelData=None,
                  FloatPixelData=Odd(struct.pack("<f", float("nan")) * 16, b"OF")),
        ),
        "slope of NaN": refused(UnreadableImageError, dicom(RescaleSlope=b"nan", RescaleIntercept=b"0")),
        "slope beyond float32": harmless(dicom(RescaleSlope=b"1e300", RescaleIntercept=b"-1e300")),
        "no value within float32": refused(UnreadableImageError, dicom(RescaleIntercept=b"1e300")),
        "window of infinite width": refused(
            UnreadableImageError, dicom(WindowCenter=b"0", WindowWidth=b"inf")
        ),
        "window of no width": harmless(dicom(WindowCenter=b"0", WindowWidth=b"0")),
        "spacing of 1e-300": refused(UnreadableImageError, dicom(PixelSpacing=b"1e-300\\1e300", **place)),
        "spacing of 1e300": refused(UnreadableImageError, dicom(PixelSpacing=b"1e300\\1e300", **place)),
        "negative spacing": harmless(dicom(PixelSpacing=b"-1\\-1", **place)),
        "orientation of zeros": refused(
            UnreadableImageError,
            dicom(PixelSpacing=b"1\\1", ImageOrientationPatient=b"0\\0\\0\\0\\0\\0",
                  ImagePositionPatient=b"0\\0\\0"),
        ),
        "positions 1e300 mm apart": refused(
            UnreadableImageError,
            *(dicom(PixelSpacing=b"1\\1", SOPInstanceUID=b"1.2.%d" % n,
                    **{**place, "ImagePositionPatient": b"0\\0\\%s" % z})
              for n, z in enumerate((b"-1e308", b"1e308"))),
        ),
        "an unknown photometric interpretation": refused(
            UnreadableImageError, dicom(PhotometricInterpretation=b"X" * 60000)
        ),
        "a name of 60,000 bytes": harmless(dicom(PatientName=b"\x1b$)C\xff^=" * 8000)),
        "an unknown character set": harmless(dicom(SpecificCharacterSet=b"ISO 2022 IR 999\\" * 50)),
        "padding beyond the pixels": harmless(
            dicom(PixelPaddingValue=us(7), PixelPaddingRangeLimit=us(65535), PixelRepresentation=us(1))
        ),
        "two files of two series": refused(
            InconsistentSeriesError, dicom(), dicom(SeriesInstanceUID=b"9.9", SOPInstanceUID=b"9.8")
        ),
        "one instance a hundred times": harmless(*[dicom()] * 100),
    }  # fmt: skip


def _turned_frames(count: int) -> bytes:
    """Each faces another way."""

    def group(number: int) -> bytes:
        turn = element("ImageOrientationPatient", b"1\\0\\%d\\0\\1\\0" % number)
        place = element("ImagePositionPatient", b"0\\0\\0")
        return element("PlanePositionSequence", Odd(item(place))) + element(
            "PlaneOrientationSequence", Odd(item(turn))
        )

    groups = Odd(b"".join(item(group(number)) for number in range(count)))
    return dicom(
        Rows=us(1),
        Columns=us(1),
        NumberOfFrames=b"%d" % count,
        PixelData=Odd(bytes(2 * count), b"OW"),
        PerFrameFunctionalGroupsSequence=groups,
    )


def _structures() -> dict[str, HostileFile]:
    whole = dicom()
    deep = b"".join(
        tagged(PRIVATE_SEQUENCE, b"SQ", b"", UNDEFINED) + item(length=UNDEFINED) for _ in range(5000)
    )
    files = {
        "sequences 5,000 deep": refused(UnreadableImageError, _with_header(deep)),
        "a sequence of 100,000 empty items": harmless(
            _with_header(tagged(PRIVATE_SEQUENCE, b"SQ", item() * 100_000))
        ),
        "a sequence without its end": refused(
            UnreadableImageError,
            _with_header(tagged(PRIVATE_SEQUENCE, b"SQ", item(length=UNDEFINED), UNDEFINED)),
        ),
        "an unknown value of undefined length": harmless(
            _with_header(tagged(PRIVATE_SEQUENCE, b"UN", item() + SEQUENCE_END, UNDEFINED))
        ),
        "100,000 private elements": harmless(
            _with_header(b"".join(tagged(0x00091000 + n % 256, b"LO", b"x") for n in range(100_000)))
        ),
        "an element of 4 GB": refused(
            UnreadableImageError, _with_header(tagged(PRIVATE_SEQUENCE, b"OB", b"few", UNDEFINED - 1))
        ),
        "an item that ends elsewhere": refused(
            UnreadableImageError,
            _with_header(tagged(PRIVATE_SEQUENCE, b"SQ", item(b"", 2**31), 8) + ITEM_END),
        ),
        "a group length of 4 GB": harmless(
            bytes(128) + b"DICM" + meta(b"1.2.840.10008.1.2.1").replace(
                whole[140:144], struct.pack("<I", UNDEFINED), 1) + dataset()
        ),
        "8,000 frames that each face another way": refused(InconsistentSeriesError, _turned_frames(8000)),
        "a deflated bomb": refused(ImageTooLargeError, deflated(bytes(80 * 2**20))),
        "a deflated stream of noise": refused(
            UnreadableImageError, bytes(128) + b"DICM" + meta(DEFLATED) + b"\xff" * 500
        ),
        "pixels in an icon alone": refused(
            UnreadableImageError,
            dicom(PixelData=None, IconImageSequence=Odd(item(dataset()), b"SQ")),
        ),
        "pixels of odd length": refused(UnreadableImageError, dicom(PixelData=Odd(us(1), b"OW", 31))),
        "a directory that points elsewhere": refused(
            NoPixelDataError,
            dicom(SOPClassUID=b"1.2.840.10008.1.3.10", PixelData=None, Rows=None,
                  FileSetID=b"../../../../etc", ReferencedFileID=b"..\\..\\..\\etc\\passwd"),
        ),
        "a transfer syntax that does not exist": refused(UnsupportedImageError, dicom(syntax=b"1.2.3.4.5")),
        "a transfer syntax of 60,000 digits": refused(UnsupportedImageError, dicom(syntax=b"1." * 30_000)),
    }  # fmt: skip
    return files | {
        f"cut after {end} bytes": refused(error, whole[:end])
        for end, error in ((100, UnsupportedImageError), (150, UnreadableImageError),
                           (len(whole) - 40, UnreadableImageError), (len(whole) - 1, UnreadableImageError))
    }  # fmt: skip


def _polyglots() -> dict[str, HostileFile]:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("../../evil.sh", b"#!/bin/sh")
    starts = {
        "an executable": b"MZ\x90\0",
        "a ZIP": b"PK\x03\x04",
        "a TIFF": b"II*\0\x08\0\0\0",
        "a PDF": b"%PDF-1.7\n",
        "a PNG": b"\x89PNG\r\n\x1a\n",
        "a script": b"#!/bin/sh\nrm -rf /tmp/x\n",
    }
    files = {
        f"DICOM that is {what} too": harmless(dicom(preamble=start.ljust(128, b"\0")))
        for what, start in starts.items()
    }
    return files | {
        "DICOM with a ZIP behind it": harmless(dicom(more=packed.getvalue())),
        "a ZIP with DICM at its 128th byte": refused(
            UnreadableImageError, packed.getvalue().ljust(128, b"\0")[:128] + b"DICM" + packed.getvalue()
        ),
    }


def _with_header(elements: bytes) -> bytes:
    return bytes(128) + b"DICM" + meta(b"1.2.840.10008.1.2.1") + _before_rows(elements)


def _before_rows(elements: bytes) -> bytes:
    """Group 0009 lies between group 0008 and the image's own elements."""
    whole = dataset()
    start = whole.index(b"\x10\0\x10\0PN")
    return whole[:start] + elements + whole[start:]


def deflated(content: bytes) -> bytes:
    stream = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    return bytes(128) + b"DICM" + meta(DEFLATED) + stream.compress(content) + stream.flush()
