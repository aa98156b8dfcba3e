"""A digest of bars by their content, whatever the cuts into blocks and the layout of the files."""

from __future__ import annotations

from typing import TYPE_CHECKING

import xxhash

from admf_fast.data.block import VALUE_COLUMNS

if TYPE_CHECKING:
    from admf_fast.data.block import BarBlock


class BarDigest:
    """XXH3-128 over ts_ns, open, high, low, close and volume as little-endian columns.

    One hasher per column makes it independent of block cuts; the result is the hash of the six.
    It tells different bars apart, at a tenth of the cost of reading them; it is no signature: what
    guards a file against tampering is the SHA-256 of the manifest beside it.
    """

    def __init__(self) -> None:
        self._hashers = [xxhash.xxh3_128() for _ in range(1 + len(VALUE_COLUMNS))]
        self._bars = 0

    def update(self, block: BarBlock) -> None:
        """Append the bars of `block`."""
        self._bars += len(block)
        types = ("<i8",) + ("<f8",) * len(VALUE_COLUMNS)
        for hasher, column, kind in zip(self._hashers, block.columns(), types, strict=True):
            # No copy on little-endian machines.
            hasher.update(column.astype(kind, order="C", copy=False).data)

    def hexdigest(self) -> str:
        """Return the digest of all bars so far as 32 hex digits."""
        total = xxhash.xxh3_128(f"admf-bars 1 {self._bars}\n".encode())
        for hasher in self._hashers:
            total.update(hasher.digest())
        return total.hexdigest()
