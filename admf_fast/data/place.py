"""Where in an input a value is, in the words of its owner."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field


def column_text(column: str, name: str) -> str:
    """Return the input's own name of a column, and what it is read as where that differs."""
    return column if column == name else f"{column} ({name})"


@dataclass(frozen=True, slots=True)
class Place:
    """One input: how its owner calls it and its columns.

    `columns` maps standard names to the input's; `line_of` gives the line of a row, where the
    input is a text.
    """

    label: str
    columns: Mapping[str, str] = field(default_factory=dict)
    line_of: Callable[[int], int] | None = None

    def cell(self, row: int, name: str) -> str:
        """Return file, row and column of a value; rows are counted from 0 as in a data frame."""
        line = f":{self.line_of(row)}" if self.line_of else ""
        column = column_text(self.columns.get(name, name), name)
        return f"{self.label}{line}: row {row}, column {column}"
