"""Reads an input to its end only to say what is in it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from admf_fast.data.report import DataReport
    from admf_fast.data.source import BarSource


def describe(source: BarSource) -> DataReport:
    """Validate every row of `source` and return the report; BarError as `BarSource.blocks`."""
    for _ in source.blocks():
        pass
    return source.report()
