"""What is said of a finished sweep."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from admf_fast.sweep.assemble import Assembled


@dataclass(frozen=True, slots=True)
class Best:
    """The set that a search found, its figure, and how many sets were proposed."""

    metric: str
    figure: float
    set: int
    params: Mapping[str, Any]
    counts: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class SweepResult:
    """A finished sweep.

    Attributes
    ----------
    path : Path
        The results.
    sets, bars : int
        Parameter sets; bars of all inputs together.
    symbols : tuple of str
    bar_sets : int
        Bars times sets that this process computed; fewer than all if a stopped sweep went on.
    seconds : float
        Of wall clock, for all of it but reading the bars the first time.
    found : Assembled
    notes : tuple of str
    engine : str
        Where it was computed: ``threads`` or ``dask``.
    workers, threads : int
        Processes that computed, and their threads together.
    best : Best, optional
        Of a search.
    """

    path: Path
    sets: int
    bars: int
    symbols: tuple[str, ...]
    bar_sets: int
    seconds: float
    threads: int
    chunks: int
    chunks_kept: int
    found: Assembled
    notes: tuple[str, ...] = ()
    engine: str = "threads"
    workers: int = 1
    best: Best | None = None

    @property
    def ns_per_bar_and_set(self) -> float | None:
        """Wall clock per bar and set, of those that this process computed; None without any."""
        return 1e9 * self.seconds / self.bar_sets if self.bar_sets else None
