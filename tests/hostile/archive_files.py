"""ZIP archives with too much in them, or with names that lead elsewhere."""

import gzip
import io
import struct
import zipfile

from imaging.errors import (
    ImageTooLargeError,
    InconsistentSeriesError,
    UnreadableImageError,
    UnsupportedImageError,
)
from tests.hostile.dicom_files import deflated
from tests.hostile.hostile_file import HostileFile, harmless, refused
from tests.hostile.nifti_files import nifti
from tests.hostile.picture_files import png
from tests.hostile.raw_dicom import Odd, dataset, dicom

SYMLINK = 0o120777 << 16
MEGABYTE = 2**20


def zipped(*members: tuple[str, bytes], packing: int = zipfile.ZIP_DEFLATED) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", packing) as archive:
        for name, content in members:
            entry = zipfile.ZipInfo(name)
            entry.compress_type = packing
            archive.writestr(entry, content)
    return out.getvalue()


def archive_files() -> dict[str, HostileFile]:
    return {**_names(), **_bombs(), **_lies()}


def padded(count: int) -> bytes:
    """A slice with so many bytes of padding behind it."""
    return dataset(DataSetTrailingPadding=Odd(bytes(count), b"OB"))


def _names() -> dict[str, HostileFile]:
    names = {
        "that leads upwards": "../../../../tmp/evil",
        "from the root": "/etc/cron.d/evil",
        "of a Windows drive": "C:\\Windows\\evil.exe",
        "of a device": "/dev/sda",
        "of 60,000 letters": "a" * 60_000,
        "of control characters": "a\x1b[2J\n\r\0b",
        "of a patient": "SECRET^PATIENT.dcm",
    }
    files = {f"a name {what}": harmless(zipped((name, dicom()))) for what, name in names.items()}
    return files | {
        "a member without a name": harmless(zipped(("", dicom()))),
        "a symbolic link": refused(UnsupportedImageError, _with_link(b"/etc/passwd")),
        "a link beside a slice": harmless(_with_link(b"/etc/passwd", dicom())),
        "one name twice": harmless(
            zipped(("name-1", dicom()), ("name-2", dicom())).replace(b"name-2", b"name-1")
        ),
        "one slice twice": harmless(zipped(("a", dicom()), ("b", dicom()))),
        "two pictures": refused(InconsistentSeriesError, zipped(("a", png()), ("b", png()))),
    }


def _bombs() -> dict[str, HostileFile]:
    inner = zipped(("a", bytes(MEGABYTE)))
    return {
        "a bomb of 200 MiB": refused(ImageTooLargeError, zipped(("a", bytes(200 * MEGABYTE)))),
        "archives within archives": refused(
            UnsupportedImageError, zipped(*[(str(n), inner) for n in range(50)])
        ),
        "members that share their bytes": refused(ImageTooLargeError, _overlapping(200, bytes(MEGABYTE))),
        "deflated slices that only together are a bomb": refused(
            ImageTooLargeError, zipped(*[(str(n), deflated(padded(60 * MEGABYTE))) for n in range(6)])
        ),
        "6,000 empty members": refused(ImageTooLargeError, zipped(*[(str(n), b"") for n in range(6000)])),
        "gzip bombs within": refused(
            InconsistentSeriesError,
            zipped(*[(str(n), gzip.compress(nifti() + bytes(20 * MEGABYTE))) for n in range(3)]),
        ),
    }


def _lies() -> dict[str, HostileFile]:
    whole = zipped(("a", dicom()))
    place = whole.index(b"PK\x01\x02")
    packed = zipped(("a", bytes(100_000)))
    central = packed.index(b"PK\x01\x02")
    return {
        "a member larger than it says": refused(
            UnreadableImageError, packed[: central + 24] + struct.pack("<I", 9) + packed[central + 28 :]
        ),
        "a member of 4 GB by its word alone": refused(
            ImageTooLargeError, whole[: place + 24] + struct.pack("<I", 2**32 - 2) + whole[place + 28 :]
        ),
        "a member that begins behind the end": refused(
            UnreadableImageError, whole[: place + 42] + struct.pack("<I", 2**31) + whole[place + 46 :]
        ),
        "an encrypted member": refused(
            UnsupportedImageError, whole[: place + 8] + b"\1" + whole[place + 9 :]
        ),
        "a member packed by bzip2": refused(
            UnsupportedImageError, zipped(("a", dicom()), packing=zipfile.ZIP_BZIP2)
        ),
        "a member packed by LZMA": refused(
            UnsupportedImageError, zipped(("a", dicom()), packing=zipfile.ZIP_LZMA)
        ),
        "a wrong checksum": refused(
            UnreadableImageError,
            zipped(("a", dicom()), packing=zipfile.ZIP_STORED).replace(b"MONOCHROME2", b"MONOCHROME1"),
        ),
        "a cut archive": refused(UnreadableImageError, whole[:-30]),
        "no member at all": refused(UnsupportedImageError, zipped()),
        "a comment of 60,000 bytes": harmless(whole[:-2] + struct.pack("<H", 60_000) + bytes(60_000)),
        "junk before its start": refused(UnsupportedImageError, b"MZ junk " * 20 + whole),
        "a directory that counts 65,535": refused(
            UnreadableImageError,
            whole[:-12] + struct.pack("<2H", 65535, 65535) + whole[-8:-6] + whole[-8:][2:],
        ),
    }


def _with_link(target: bytes, *slices: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        link = zipfile.ZipInfo("link.dcm")
        link.create_system, link.external_attr = 3, SYMLINK
        archive.writestr(link, target)
        for number, content in enumerate(slices):
            archive.writestr(str(number), content)
    return out.getvalue()


def _overlapping(count: int, content: bytes) -> bytes:
    """Many entries of the central directory for one member, as in "A better zip bomb" (Fifield, 2019)."""
    whole = zipped(("a", content))
    start = whole.index(b"PK\x01\x02")
    end = whole.index(b"PK\x05\x06")
    entry = whole[start:end]
    tail = struct.pack("<4s4H2IH", b"PK\x05\x06", 0, 0, count, count, len(entry) * count, start, 0)
    return whole[:start] + entry * count + tail
