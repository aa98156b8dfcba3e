"""Peak memory of runs from Parquet to Parquet, each in a process of its own."""

import tempfile
from pathlib import Path

from bench.bars import parquet_of
from bench.figure import Figure, Scale
from bench.timing import child


def measure(scale: Scale) -> list[Figure]:
    """Return the peak resident memory for ever more bars; flat is the point."""
    figures: list[Figure] = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for count in scale.memory_bars:
            source = parquet_of(folder, count)
            found = child("memory", str(source), str(folder / "run"))
            figures.append(Figure("memory", f"{count:,} bars", found["peak_mib"], "MiB peak"))
            source.unlink()
    first = figures[0]
    return [first, *(f._replace(peer=first.value, peer_name=first.name) for f in figures[1:])]
