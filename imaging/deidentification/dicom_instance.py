"""De-identification of one DICOM file: another header before the same pixel data.

Source: PS3.10 7 (file format), PS3.5 7 and A.4 (encodings); PS3.15 E.1.
"""

import re
import struct
import zlib

from pydicom.dataset import FileMetaDataset
from pydicom.filebase import DicomBytesIO
from pydicom.filewriter import write_dataset, write_file_meta_info
from pydicom.uid import UID, DeflatedExplicitVRLittleEndian, MediaStorageDirectoryStorage

from imaging.deidentification.dicom_header import deidentify_header
from imaging.deidentification.profile import Option, Profile
from imaging.deidentification.pseudonyms import Pseudonyms
from imaging.deidentification.report import Changes
from imaging.dicom_burned_in import burned_in_warnings
from imaging.dicom_elements import text
from imaging.dicom_file import DicomParts, PixelElement, split_dicom
from imaging.errors import UnreadableImageError, UnsupportedImageError
from imaging.foreign_errors import translated
from imaging.kinds import Buffer
from imaging.limits import Limits

IMPLEMENTATION_UID = UID("2.25.30319472361365976938322602359076139436")
_IMPLEMENTATION_NAME = "ATYPIA"
_PREAMBLE = bytes(128)  # whatever was in it: a program, or an image of another kind (PS3.10 7.1)
_DAMAGED = "the DICOM header cannot be written again; correct the file"
_CUT = "the file ends within its pixel data; send it again"
_ITEM, _END_OF_ITEMS = b"\xfe\xff\x00\xe0", b"\xfe\xff\xdd\xe0"
_UNDEFINED_LENGTH = 0xFFFFFFFF
_IS_UID = re.compile(r"[0-9.]{0,64}")
_PIXEL_VRS = frozenset(("OB", "OW", "OF", "OD", "UN"))
_PIXEL_ELEMENTS = {"FloatPixelData": 0x0008, "DoubleFloatPixelData": 0x0009, "PixelData": 0x0010}


def deidentify_instance(
    content: Buffer, *, profile: Profile, pseudonyms: Pseudonyms, changes: Changes, limits: Limits
) -> bytes:
    """The same instance, image or not, in the same transfer syntax, its pixel data to the byte.

    What follows the pixel data (padding, signatures) is left out.

    Raises:
        UnreadableImageError: The file is damaged.
        UnsupportedImageError: It is a DICOMDIR, which only points to files.
        ImageTooLargeError: A deflated data set would exceed `limits`.
    """
    parts = split_dicom(content, limits=limits)
    header = parts.header
    sop_class = text(header, "SOPClassUID") or text(parts.meta, "MediaStorageSOPClassUID") or ""
    if sop_class == MediaStorageDirectoryStorage:
        raise UnsupportedImageError("a DICOMDIR names patients and files; send the files that it points to")
    changes.warn(burned_in_warnings(header))
    with translated(_DAMAGED):
        deidentify_header(header, profile=profile, pseudonyms=pseudonyms, changes=changes)
        instance = text(header, "SOPInstanceUID") or _mapped_of_meta(parts, profile, pseudonyms)
        written = _meta(parts, sop_class, instance) + _written(parts)
    changes.files += 1
    return _PREAMBLE + b"DICM" + written


def _mapped_of_meta(parts: DicomParts, profile: Profile, pseudonyms: Pseudonyms) -> str:
    uid = text(parts.meta, "MediaStorageSOPInstanceUID") or ""
    return pseudonyms.uid(uid) if uid and Option.RETAIN_UIDS not in profile.options else uid


def _meta(parts: DicomParts, sop_class: str, instance: str) -> bytes:
    """Written anew: the old one also says who sent the file to whom."""
    if any(not _IS_UID.fullmatch(uid) for uid in (sop_class, instance, parts.transfer_syntax)):
        raise UnreadableImageError("a UID of the DICOM header is none; correct the file")
    meta = FileMetaDataset()
    meta.FileMetaInformationGroupLength = 0
    meta.FileMetaInformationVersion = b"\0\1"
    if sop_class:
        meta.MediaStorageSOPClassUID = UID(sop_class)
    if instance:
        meta.MediaStorageSOPInstanceUID = UID(instance)
    meta.TransferSyntaxUID = parts.transfer_syntax
    meta.ImplementationClassUID = IMPLEMENTATION_UID
    meta.ImplementationVersionName = _IMPLEMENTATION_NAME
    out = DicomBytesIO()
    write_file_meta_info(out, meta, enforce_standard=False)
    return out.getvalue()


def _written(parts: DicomParts) -> bytes:
    out = DicomBytesIO()
    out.is_implicit_VR, out.is_little_endian = parts.is_implicit, parts.is_little_endian
    write_dataset(out, parts.header)
    body = out.getvalue() + (_pixel_element(parts, parts.pixels) if parts.pixels else b"")
    if parts.transfer_syntax != DeflatedExplicitVRLittleEndian:
        return body
    packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    packed = packer.compress(body) + packer.flush()
    return packed + b"\0" * (len(packed) % 2)  # PS3.5 A.5


def _pixel_element(parts: DicomParts, pixels: PixelElement) -> bytes:
    order = "<" if parts.is_little_endian else ">"
    if pixels.is_encapsulated:
        value = bytes(pixels.encoded[: _end_of_items(pixels.encoded)])
        length, end = _UNDEFINED_LENGTH, _END_OF_ITEMS + bytes(4)
    elif len(pixels.encoded) < pixels.length:
        raise UnreadableImageError(_CUT)
    else:
        value, length, end = bytes(pixels.encoded), pixels.length, b""
    head = struct.pack(f"{order}HH", 0x7FE0, _PIXEL_ELEMENTS[pixels.keyword])
    if parts.is_implicit:
        return head + struct.pack(f"{order}I", length) + value + end
    if pixels.vr not in _PIXEL_VRS:
        raise UnreadableImageError(
            "the pixel data are of an impossible value representation; correct the file"
        )
    return head + pixels.vr.encode() + struct.pack(f"{order}HI", 0, length) + value + end


def _end_of_items(encoded: memoryview) -> int:
    """Where the sequence of fragments ends, without its delimiter; a lost delimiter is forgiven."""
    position = 0
    while position + 8 <= len(encoded):
        tag, length = (
            bytes(encoded[position : position + 4]),
            struct.unpack_from("<I", encoded, position + 4)[0],
        )
        if tag == _END_OF_ITEMS:
            return position
        if tag != _ITEM or length == _UNDEFINED_LENGTH:
            raise UnreadableImageError(_CUT)
        position += 8 + length
    return min(position, len(encoded))
