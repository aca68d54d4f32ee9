"""UIDs that a job has whenever its results are made, so that a repeat replaces them instead of doubling them.

Source: PS3.5 B.2 (UIDs from UUIDs), RFC 9562 5.5 (UUIDs from names).
"""

from uuid import UUID, uuid5

from pydicom.uid import UID

# Changing it gives every result that is made anew another identity.
_NAMESPACE = UUID("b6b5ad4c-6b0e-5b6a-9d1c-0a7c1f3b5e21")


def uid_of(*names: str) -> UID:
    """The same for the same names, and for no others."""
    # Lengths keep ("a", "bc") from ("ab", "c").
    return UID(f"2.25.{uuid5(_NAMESPACE, ''.join(f'{len(name)}:{name}' for name in names)).int}")
