"""A digest of bars by their content, whatever the cuts into blocks and the layout of the files."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from admf_fast.data.block import VALUE_COLUMNS

if TYPE_CHECKING:
    from admf_fast.data.block import BarBlock


class BarDigest:
    """SHA-256 over ts_ns, open, high, low, close and volume as little-endian columns.

    One hasher per column makes it independent of block cuts; the result is the hash of the six.
    """

    def __init__(self) -> None:
        self._hashers = [hashlib.sha256() for _ in range(1 + len(VALUE_COLUMNS))]
        self._bars = 0

    def update(self, block: BarBlock) -> None:
        """Append the bars of `block`."""
        self._bars += len(block)
        types = ("<i8",) + ("<f8",) * len(VALUE_COLUMNS)
        for hasher, column, kind in zip(self._hashers, block.columns(), types, strict=True):
            # No copy on little-endian machines.
            hasher.update(column.astype(kind, order="C", copy=False).data)

    def hexdigest(self) -> str:
        """Return the digest of all bars so far as 64 hex digits."""
        total = hashlib.sha256(f"admf-bars 1 {self._bars}\n".encode())
        for hasher in self._hashers:
            total.update(hasher.digest())
        return total.hexdigest()
