"""Columns of text."""

from collections.abc import Sequence

GAP = "  "


def align(rows: Sequence[Sequence[str]], kinds: str = "") -> list[str]:
    """Return rows of equal length as lines; `kinds` has ``l`` or ``r`` for each column.

    Columns without a kind are left-aligned; a line never ends in blanks.
    """
    if not rows:
        return []
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    kinds = kinds.ljust(len(widths), "l")
    return [
        GAP.join(
            cell.rjust(width) if kind == "r" else cell.ljust(width)
            for cell, width, kind in zip(row, widths, kinds, strict=True)
        ).rstrip()
        for row in rows
    ]
