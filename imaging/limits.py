"""How much a sender may make us do: the budgets that are checked before memory is spent."""

from dataclasses import dataclass

FREE_BYTES = 64 * 2**20
"""What any upload may grow to, however small it is: empty pictures compress a thousandfold honestly."""


@dataclass(frozen=True)
class Limits:
    """Budgets of one upload.

    `max_decoded_bytes` counts the float32 pixels of the image and, separately, an unpacked archive.
    `max_compression_ratio` holds above the first 64 MiB.
    """

    max_decoded_bytes: int = 4 * 2**30
    max_files: int = 5000
    max_slices: int = 20000
    max_compression_ratio: float = 250.0

    def expanded_bytes(self, compressed_bytes: int) -> int:
        """How many bytes may come out of that many compressed ones."""
        grown = max(FREE_BYTES, int(compressed_bytes * self.max_compression_ratio))
        return min(self.max_decoded_bytes, grown)
