"""What is wrong with an expression, and where in its text."""

import difflib
from collections.abc import Iterable

from admf_kernels.errors import KernelError

Place = tuple[str | int, ...]


class ExpressionError(KernelError):
    """An expression cannot be used.

    Attributes
    ----------
    reason : str
        What was expected, what was found, what to do.
    column : int
        Where in the text, counted from 1; 0 where no text is at fault.
    place : tuple of str and int
        Which text of a strategy: ``("long", "enter")``.
    """

    def __init__(self, reason: str, column: int = 0, place: Place = ()) -> None:
        self.reason = reason
        self.column = column
        self.place = place
        super().__init__(self.text)

    @property
    def text(self) -> str:
        """The column and the reason, without the place."""
        return f"column {self.column}: {self.reason}" if self.column else self.reason

    def at(self, place: Place) -> "ExpressionError":
        """Return the same error with the place of its text."""
        return ExpressionError(self.reason, self.column, place)

    def __str__(self) -> str:
        where = ".".join(str(part) for part in self.place)
        return f"{where}: {self.text}" if where else self.text


def nearest(name: str, known: Iterable[str]) -> str:
    """Return ``; did you mean x?`` for the known name nearest to a mistyped one, or nothing."""
    close = difflib.get_close_matches(name.lower(), sorted(known), n=1, cutoff=0.6)
    return f"; did you mean {close[0]}?" if close else ""
