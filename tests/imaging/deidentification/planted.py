"""DICOM files that hold a secret in every attribute of the table, byte by byte, in any encoding."""

import struct
from dataclasses import dataclass

from pydicom.datadict import dictionary_VR
from pydicom.uid import ExplicitVRBigEndian, ExplicitVRLittleEndian, ImplicitVRLittleEndian

from imaging.deidentification.table import TABLE, Rule
from tests.hostile.raw_dicom import tagged

TEXT, DATE, TIME, UID, AGE, NUMBER = (
    "SECRET7",
    "19871123",
    "101713.4",
    "1.2.3.4.98765432123",
    "047Y",
    "47110815",
)
SECRETS = tuple(secret.encode() for secret in (TEXT, DATE, TIME, UID, AGE, NUMBER))
_LONG = ("OB", "OD", "OF", "OL", "OV", "OW", "SQ", "UC", "UN", "UR", "UT", "SV", "UV")  # PS3.5 7.1.2
_VALUES = {"DA": DATE, "DT": DATE + TIME, "TM": TIME, "UI": UID, "AS": AGE, "DS": NUMBER, "IS": NUMBER}
_NUMBERS = {"US": "H", "UL": "I", "FD": "d", "FL": "f", "SS": "h", "SL": "i"}


@dataclass(frozen=True)
class Encoding:
    syntax: str
    is_implicit: bool
    order: str

    def element(self, tag: int, vr: str, value: bytes) -> bytes:
        value += (b"\0" if vr in ("UI", "OB", "UN", "SQ") else b" ") * (len(value) % 2)
        head = struct.pack(f"{self.order}HH", tag >> 16, tag & 0xFFFF)
        if self.is_implicit:
            return head + struct.pack(f"{self.order}I", len(value)) + value
        if vr in _LONG:
            return head + vr.encode() + struct.pack(f"{self.order}HI", 0, len(value)) + value
        return head + vr.encode() + struct.pack(f"{self.order}H", len(value)) + value

    def item(self, content: bytes) -> bytes:
        return struct.pack(f"{self.order}HHI", 0xFFFE, 0xE000, len(content)) + content


ENCODINGS = {
    "explicit": Encoding(ExplicitVRLittleEndian, False, "<"),
    "implicit": Encoding(ImplicitVRLittleEndian, True, "<"),
    "big endian": Encoding(ExplicitVRBigEndian, False, ">"),
}


def tag_of(rule: Rule) -> int:
    """A tag of the row: of curves and overlays the second group, of private attributes one of them."""
    if rule.tag == "(gggg,eeee)":
        return 0x00091001
    shown = rule.tag.strip("()").replace("50xx,xxxx", "5002,3000").replace("xx", "02")
    return int(shown.replace(",", ""), 16)


def vr_of(tag: int) -> str:
    """As PS3.6 has it; LO where this pydicom's is older than the row."""
    try:
        return dictionary_VR(tag).split(" or ")[0]
    except KeyError:
        return "LO"


def planted(encoding: Encoding, rules: tuple[Rule, ...] = TABLE, *, depth: int = 2) -> bytes:
    """A file with every row at its top and in sequences `depth` deep, after meta elements with secrets."""
    meta = (
        tagged(0x00020002, b"UI", b"1.2.840.10008.5.1.4.1.1.7")
        + tagged(0x00020003, b"UI", UID.encode())
        + tagged(0x00020010, b"UI", encoding.syntax.encode())
        + tagged(0x00020016, b"AE", TEXT.encode())
    )
    length = tagged(0x00020000, b"UL", struct.pack("<I", len(meta)))
    preamble = (TEXT * 20).encode()[:128]
    return preamble + b"DICM" + length + meta + body(encoding, rules, depth)


def body(encoding: Encoding, rules: tuple[Rule, ...], depth: int) -> bytes:
    elements = {0x00080016: ("UI", b"1.2.840.10008.5.1.4.1.1.7")}
    if depth:
        # Of no row, so that only going into it helps.
        elements[0x00089215] = ("SQ", encoding.item(body(encoding, rules, depth - 1)))
    tags = [tag_of(rule) for rule in rules]
    for tag in (tag for tag in tags if tag >> 16 > 8 or tag >= 0x00080000):
        elements[tag] = (vr_of(tag), value(encoding, vr_of(tag)))
    for tag in (0x00081140, 0x00082112):  # X/Z/U*: they stay, but for what rows say of their elements
        if tag in elements:
            uid = encoding.element(0x00081155, "UI", UID.encode())
            elements[tag] = ("SQ", encoding.item(uid + encoding.element(0x00100010, "PN", TEXT.encode())))
    if 0x00091001 in elements:
        elements[0x00090010] = ("LO", TEXT.encode())
    return b"".join(encoding.element(tag, *elements[tag]) for tag in sorted(elements))


def value(encoding: Encoding, vr: str) -> bytes:
    if vr == "SQ":
        content = encoding.element(0x00080104, "LO", TEXT.encode())  # a code's meaning, of no row
        return encoding.item(content + encoding.element(0x00100010, "PN", TEXT.encode()))
    if vr in _NUMBERS:
        return struct.pack(f"{encoding.order}{_NUMBERS[vr]}", 4711)
    return _VALUES.get(vr, TEXT).encode()
