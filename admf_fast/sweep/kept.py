"""Events and equity of the lanes of a chunk, held in little memory while the chunk runs."""

import tempfile
import weakref
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from admf_fast.errors import StateError
from admf_kernels.layout import Words

# More than this of one chunk goes to a file without a name beside its part.
HELD_BYTES = 32 * 2**20
DAY_NS = 86_400_000_000_000
SAMPLES_HELD = 4096


class Kept:
    """Rows by lane and table: in memory while they are few, then in a file."""

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder
        self._held: dict[tuple[int, str], list[Words]] = {}
        self._spilled: dict[tuple[int, str], list[tuple[int, tuple[int, ...]]]] = {}
        self._bytes = 0
        self._file: Any = None

    def add(self, lane: int, name: str, words: Words) -> None:
        """Append rows of a table, int64 (columns, rows)."""
        self._held.setdefault((lane, name), []).append(words)
        self._bytes += words.nbytes
        if self._bytes > HELD_BYTES:
            self._spill()

    def _spill(self) -> None:
        try:
            if self._file is None:
                self._file = tempfile.TemporaryFile(dir=self._folder)  # noqa: SIM115
                weakref.finalize(self, self._file.close)
            end = self._file.seek(0, 2)
            for key, pieces in self._held.items():
                words = np.concatenate(pieces, axis=1)
                self._file.write(words.tobytes())
                self._spilled.setdefault(key, []).append((end, words.shape))
                end += words.nbytes
        except OSError as error:
            raise StateError(
                f"{self._folder or tempfile.gettempdir()}: events cannot be written: "
                f"{error.strerror}; make room, keep less (sweep.keep), or write elsewhere"
            ) from error
        self._held.clear()
        self._bytes = 0

    def words(self, lane: int, name: str) -> Words | None:
        """Return all rows of a lane's table, int64 (columns, rows); None without any."""
        pieces = [self._read(*place) for place in self._spilled.get((lane, name), [])]
        pieces += self._held.get((lane, name), [])
        return np.concatenate(pieces, axis=1) if pieces else None

    def _read(self, place: int, shape: tuple[int, ...]) -> Words:
        self._file.seek(place)
        found = np.frombuffer(self._file.read(8 * shape[0] * shape[1]), np.int64)
        return found.reshape(shape)


class EquitySamples:
    """The equity of all lanes after some bars: written where it is not what it was.

    Parameters
    ----------
    every : "day" or int
        After the last bar of each UTC day, or after every so many bars; and after the last.
    cash : float64 (lanes,)
        What the equity is before the first row.
    """

    def __init__(self, every: str | int, cash: NDArray[np.float64], kept: Kept) -> None:
        self._every, self._kept = every, kept
        self._last = cash.copy()
        self._bars, self._day = 0, -1
        self._samples: list[tuple[int, NDArray[np.intp], NDArray[np.float64]]] = []
        self._count = 0

    def due(self, ts_ns: NDArray[np.int64]) -> NDArray[np.intp]:
        """Return before which of the next bars a sample is due; call it once for each block."""
        if not len(ts_ns):
            return np.zeros(0, np.intp)
        if self._every == "day":
            # A bar that closes at midnight belongs to the day that ends there.
            days = (ts_ns - 1) // DAY_NS
            before = np.concatenate([[self._day if self._bars else days[0]], days[:-1]])
            found = np.flatnonzero(days != before)
            self._day = int(days[-1])
        else:
            numbers = self._bars + np.arange(len(ts_ns))
            found = np.flatnonzero((numbers > 0) & (numbers % int(self._every) == 0))
        self._bars += len(ts_ns)
        return found

    def note(self, ts_ns: int, equities: NDArray[np.float64]) -> None:
        """Take a sample after a bar that closed at `ts_ns`."""
        lanes = np.flatnonzero(equities != self._last)
        if len(lanes):
            self._samples.append((ts_ns, lanes, equities[lanes]))
            self._last = equities.copy()
            self._count += len(lanes)
            if self._count > SAMPLES_HELD:
                self.flush()

    def flush(self) -> None:
        """Hand over what is still held back."""
        if not self._samples:
            return
        lanes = np.concatenate([where for _, where, _ in self._samples])
        times = np.repeat(
            np.array([ts for ts, _, _ in self._samples], np.int64),
            [len(where) for _, where, _ in self._samples],
        )
        values = np.concatenate([found for _, _, found in self._samples])
        order = np.argsort(lanes, kind="stable")
        words = np.stack([times, values.view(np.int64)])[:, order]
        edges = np.searchsorted(lanes[order], np.arange(len(self._last) + 1))
        for lane in np.unique(lanes).tolist():
            rows = words[:, edges[lane] : edges[lane + 1]]
            self._kept.add(lane, "equity", np.ascontiguousarray(rows))
        self._samples, self._count = [], 0
