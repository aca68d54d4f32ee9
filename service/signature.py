"""The signature of a callback: HMAC-SHA256 over its time and its body, so that neither can be changed."""

import hashlib
import hmac

HEADER = "X-Atypia-Signature"


def sign(secret: str, body: bytes, at: int) -> str:
    """The header's value; `at` is in seconds since 1970."""
    digest = hmac.new(secret.encode(), f"{at}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={at},v1={digest}"
