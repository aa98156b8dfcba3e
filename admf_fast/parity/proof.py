"""The outcome of a proof: which runs were made, and whether they gave the same bytes."""

from dataclasses import asdict, dataclass
from typing import Any

from admf_fast.errors import DivergenceError
from admf_fast.parity.compare import Difference


@dataclass(frozen=True, slots=True)
class RunProof:
    """One way of running the bars, compared with the first.

    `bars` is how many bars were compared; `layers` holds a digest per layer, or is empty
    where only a sample was run.
    """

    name: str
    bars: int
    identical: bool
    layers: dict[str, str]
    seconds: float
    note: str = ""


@dataclass(frozen=True, slots=True)
class Proof:
    """All runs of one configuration; `layers` are the digests of the first."""

    identical: bool
    bars: int
    runs: list[RunProof]
    layers: dict[str, str]
    difference: Difference | None = None

    def to_json(self) -> dict[str, Any]:
        """Return the proof as plain data."""
        difference = self.difference._asdict() if self.difference else None
        return {**asdict(self), "difference": difference}

    def require(self) -> None:
        """Raise DivergenceError unless all runs were identical."""
        if self.difference:
            raise DivergenceError(str(self.difference))
