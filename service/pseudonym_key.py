"""The key that pseudonyms are made with: a file that only its owner can read, made when first asked for."""

import os
import secrets
import tempfile
from pathlib import Path

KEY_NAME = "deidentify.key"
_KEY_BYTES = 32


def pseudonym_key(path: Path) -> bytes:
    """The key in the file, 16 bytes or more in hexadecimal; a file that is not there is made, mode 0600.

    Raises:
        ValueError: The file holds no key.
    """
    if not path.exists():
        _make(path)
    try:
        key = bytes.fromhex(path.read_text(encoding="ascii"))
    except ValueError:
        key = b""
    if len(key) < _KEY_BYTES // 2:
        raise ValueError(f"{path} holds no key: 32 or more hexadecimal digits; name another file, or none")
    return key


def _make(path: Path) -> None:
    """Whole or not at all, and by one of several processes at once."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile("w", dir=path.parent, encoding="ascii") as written:  # mode 0600
        written.write(secrets.token_hex(_KEY_BYTES) + "\n")
        written.flush()
        os.fsync(written.fileno())
        try:
            os.link(written.name, path)
        except FileExistsError:
            return
