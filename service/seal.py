"""What names a patient, sealed with a key that the job's record alone holds: it is gone when that is gone.

AES-256 in Galois/Counter Mode (NIST SP 800-38D), a random nonce of 96 bits before the sealed bytes.
"""

import os
import secrets

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from service.errors import GoneError

_NONCE_BYTES = 12


def make_seal_key() -> str:
    """A key of one job, in hexadecimal."""
    return secrets.token_hex(32)


def seal(content: bytes, key: str) -> bytes:
    """The content so that nobody without the key can read or change it; as it is for the key ""."""
    if not key:
        return content
    nonce = os.urandom(_NONCE_BYTES)
    return nonce + AESGCM(bytes.fromhex(key)).encrypt(nonce, content, None)


def unseal(sealed: bytes, key: str) -> bytes:
    """What was sealed with the key.

    Raises:
        GoneError: It was sealed with another one, or was changed.
    """
    if not key:
        return sealed
    try:
        return AESGCM(bytes.fromhex(key)).decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], None)
    except InvalidTag as error:
        raise GoneError("what named the patient cannot be opened any more; send the image again") from error
