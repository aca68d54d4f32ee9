import pytest

from service.errors import GoneError
from service.seal import make_seal_key, seal, unseal

NAME = b"Doe^Jane"


def test_what_is_sealed_is_unreadable_and_opens_with_its_key_alone():
    key = make_seal_key()
    sealed = seal(NAME, key)
    assert NAME not in sealed
    assert unseal(sealed, key) == NAME
    with pytest.raises(GoneError, match="send the image again"):
        unseal(sealed, make_seal_key())


def test_what_was_changed_since_does_not_open():
    key = make_seal_key()
    sealed = bytearray(seal(NAME, key))
    sealed[-1] ^= 1
    with pytest.raises(GoneError):
        unseal(bytes(sealed), key)


def test_what_an_earlier_version_kept_is_not_sealed():
    assert unseal(seal(NAME, ""), "") == NAME
