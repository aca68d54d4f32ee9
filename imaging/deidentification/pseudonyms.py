"""What stands for an identity under a key: the same for the same, in every file and every run.

Source: PS3.15 E.1.1 (consistent replacement), PS3.5 B.2 (UIDs of UUIDs), RFC 9562 5.8 (UUID version 8), RFC
2104 (HMAC). Each pseudonym carries a keyed check of its own, so that one made before under the same key is
told from any other identity and left as it is: no header is believed for that.
"""

import base64
import hmac
import uuid
from dataclasses import dataclass

from pydicom._uid_dict import UID_dictionary

MIN_KEY_BYTES = 16
LONGEST_SHIFT_DAYS = 3652
_ROOT = "2.25."
_HASH_BYTES, _CHECK_BYTES = 9, 6  # of a UID: 120 of the 122 bits that a UUID version 8 leaves free
_PREFIX = "SUBJECT-"
_NAME_HASH_BYTES, _NAME_CHECK_BYTES = 9, 6


@dataclass(frozen=True)
class Pseudonyms:
    """`subject`, where given, is what every patient is called instead of by a pseudonym.

    Raises:
        ValueError: The key has fewer than 16 bytes.
    """

    key: bytes
    subject: str | None = None

    def __post_init__(self) -> None:
        if len(self.key) < MIN_KEY_BYTES:
            raise ValueError(f"the key has {len(self.key)} bytes; make one of at least {MIN_KEY_BYTES}")

    def uid(self, original: str) -> str:
        """Of an instance, series or anything else; registered UIDs stay (PS3.6 A)."""
        if original in UID_dictionary or self._is_our_uid(original):
            return original
        hashed = self._hashed("uid", original.encode(), _HASH_BYTES)
        return _uid_of(hashed + self._hashed("uid check", hashed, _CHECK_BYTES))

    def patient(self, original: str) -> str:
        """Of a patient known by that identifier, in 32 characters."""
        if self.subject is not None:
            return self.subject
        if self.is_patient(original):
            return original
        hashed = self._hashed("patient", original.encode(), _NAME_HASH_BYTES)
        return _name_of(hashed + self._hashed("patient check", hashed, _NAME_CHECK_BYTES))

    def is_patient(self, name: str) -> bool:
        """Whether it is one of our pseudonyms under this key."""
        try:
            code = base64.b32decode(name.removeprefix(_PREFIX))
        except ValueError:
            return False
        hashed = code[:_NAME_HASH_BYTES]
        return _name_of(hashed + self._hashed("patient check", hashed, _NAME_CHECK_BYTES)) == name

    def days_earlier(self, patient: str) -> int:
        """How far the dates of a patient are moved into the past, 1 to 3652 days."""
        number = int.from_bytes(self._hashed("days", patient.encode(), 8))
        return 1 + number % LONGEST_SHIFT_DAYS

    def _is_our_uid(self, uid: str) -> bool:
        number = uid.removeprefix(_ROOT)
        if number == uid or not number.isdecimal() or len(number) > 39:
            return False
        hashed = (_packed(int(number)) or b"")[:_HASH_BYTES]
        return _uid_of(hashed + self._hashed("uid check", hashed, _CHECK_BYTES)) == uid

    def _hashed(self, use: str, content: bytes, count: int) -> bytes:
        return hmac.digest(self.key, f"atypia {use}\0".encode() + content, "sha256")[:count]


def _uid_of(code: bytes) -> str:
    """15 bytes around the version (8) and variant (2) of RFC 9562."""
    bits = int.from_bytes(code.ljust(_HASH_BYTES + _CHECK_BYTES, b"\0")) << 2  # 122 bits
    high, middle, low = bits >> 74, bits >> 62 & 0xFFF, bits & (1 << 62) - 1
    return f"{_ROOT}{uuid.UUID(int=high << 80 | 8 << 76 | middle << 64 | 2 << 62 | low).int}"


def _packed(number: int) -> bytes | None:
    """The 15 bytes of a UID made by `_uid_of`."""
    if number >= 1 << 128:
        return None
    bits = number >> 80 << 74 | (number >> 64 & 0xFFF) << 62 | number & (1 << 62) - 1
    return (bits >> 2).to_bytes(_HASH_BYTES + _CHECK_BYTES)


def _name_of(code: bytes) -> str:
    return _PREFIX + base64.b32encode(code).decode()
