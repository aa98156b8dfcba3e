"""Turns what Arrow raises on a damaged file, whatever its type, into DataFileError."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import pyarrow as pa

from admf_fast.errors import DataFileError

# Arrow answers damage with any of these: most of its errors derive from them as well.
_ARROW_FAULTS: Final = (
    pa.ArrowException,
    OSError,
    ValueError,
    TypeError,
    KeyError,
    IndexError,
    MemoryError,
    OverflowError,
)


@contextmanager
def arrow_faults(label: str, format_name: str) -> Iterator[None]:
    """Raise DataFileError in place of what Arrow raises within; `label` names the file."""
    try:
        yield
    except _ARROW_FAULTS as error:
        reason = " ".join(str(error).split())[:200] or type(error).__name__
        raise DataFileError(
            f"{label}: truncated, corrupted or no {format_name} file: {reason}; "
            "write or fetch it again"
        ) from error
