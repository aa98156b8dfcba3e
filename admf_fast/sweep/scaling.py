"""What a sweep takes, from one core to a thousand: tasks, bytes, seconds, and what limits it.

A chunk of n sets over b bars takes ``n * b * bar_set_ns`` on one core, and besides: what each
of its sets, its part and its task cost. Chunks are dealt to cores in rounds. Beside the cores
three things can be the limit: the scheduler, which handles one task after the other; the storage
that bars are read from; and too few chunks.
The constants were measured as docs/scaling.md says; ``python -m bench scaling`` does it again.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from admf_fast.sweep.bars import BARS_KEPT

# Sets of one chunk of a thread at most: what is lost when the process is killed, a thread each.
CHUNK_SETS = 256
# What such a chunk takes besides its sets, in sets: features and a part of its own; and by which
# share of them chunks of one size differ, since some sets trade more.
CHUNK_EXTRA_SETS, UNEVEN = 12, 0.125
# Of a chunk of a worker: fewer would cost mostly what a task does.
FEWEST_SETS = 8
CHUNK_SIZES = tuple(FEWEST_SETS << k for k in range(8))
CHUNK_S_MAX = 60.0  # what is lost when it is killed


class Costs(NamedTuple):
    """What the work costs.

    Attributes
    ----------
    bar_set_ns : float
        Of one core, a bar and set; `calibrated` measures it.
    read_ns, bar_bytes : float
        A bar read and digested, and its bytes in a Parquet file.
    set_s, part_s : float
        Of one core: a set on an input made ready and its row; a part written to disk.
    row_s, row_bytes : float
        Of the driver: a row put into the results; its bytes.
    task_s, gap_s : float
        Of the scheduler and the driver, one task after the other; of a core between two tasks.
    start_s : float
        Until workers are connected; each is then ready in `ready_s`.
    storage_bytes_s : float
        What the shared folder gives to all readers together.
    """

    bar_set_ns: float = 10.0
    read_ns: float = 50.0
    bar_bytes: float = 16.0
    set_s: float = 0.000_1
    part_s: float = 0.006
    row_s: float = 0.000_03
    row_bytes: float = 700.0
    task_s: float = 0.0
    gap_s: float = 0.0
    start_s: float = 0.0
    ready_s: float = 0.0
    storage_bytes_s: float = 1e9


THREADS = Costs()
DASK = THREADS._replace(task_s=0.0025, gap_s=0.008, start_s=2.5, ready_s=1.0)


@dataclass(frozen=True, slots=True)
class Estimate:
    """What a sweep takes; seconds of wall clock.

    Attributes
    ----------
    tasks, chunk_sets, cores : int
    bytes_read, bytes_written : float
        By all workers together; parts and results.
    before_s, after_s : float
        The driver alone: workers started and bars read once; rows put together.
    compute_s, schedule_s, storage_s : float
        The cores, the scheduler and the storage, which work at the same time.
    busy_s : float
        Of all cores together, the driver's included: what is paid for.
    core_s : float
        Of one core, were all the work done by one of them without tasks and parts.
    """

    cores: int
    chunk_sets: int
    tasks: int
    bytes_read: float
    bytes_written: float
    before_s: float
    compute_s: float
    schedule_s: float
    storage_s: float
    after_s: float
    busy_s: float
    core_s: float

    @property
    def seconds(self) -> float:
        """All of it."""
        slowest_s = max(self.compute_s, self.schedule_s, self.storage_s)
        return self.before_s + slowest_s + self.after_s

    @property
    def efficiency(self) -> float:
        """Share of the cores' time that goes into bars and sets."""
        return self.core_s / (self.cores * self.seconds) if self.seconds else 1.0

    @property
    def limit(self) -> str:
        """What would have to be more, or faster, for it to take less."""
        slowest_s = max(self.compute_s, self.schedule_s, self.storage_s)
        if self.before_s + self.after_s > slowest_s:
            return "driver"
        if slowest_s > self.compute_s:
            return "scheduler" if slowest_s == self.schedule_s else "storage"
        return "chunks" if self.tasks < 2 * self.cores else "cores"


def estimate(
    sets: int, bars: Sequence[int], cores: int, costs: Costs, chunk_sets: int | None = None
) -> Estimate:
    """Return what a sweep takes on so many cores.

    Parameters
    ----------
    sets : int
    bars : sequence of int
        Of each input.
    cores : int
        Threads that compute, of one process or many.
    costs : Costs
    chunk_sets : int, optional
        Sets of a chunk; those that take least if left out.
    """
    size = best_chunk_sets(sets, bars, cores, costs) if chunk_sets is None else chunk_sets
    chunks = -(-sets // size)
    tasks = chunks * len(bars)
    # One input after the other: a worker reads it for its first chunk, or for each if it is long.
    bars_read = sum(b * (chunks if b > BARS_KEPT else min(cores, chunks)) for b in bars)
    of_bars_s = sets * sum(bars) * costs.bar_set_ns / 1e9
    waits_s = tasks * (costs.part_s + costs.gap_s)
    all_s = of_bars_s + sets * len(bars) * costs.set_s + bars_read * costs.read_ns / 1e9
    rounds = -(-tasks // cores)
    read_s, after_s = sum(bars) * costs.read_ns / 1e9, sets * len(bars) * costs.row_s
    driver_s = read_s + tasks * costs.task_s + after_s
    return Estimate(
        cores=cores, chunk_sets=size, tasks=tasks,
        bytes_read=bars_read * costs.bar_bytes,
        bytes_written=2.0 * sets * len(bars) * costs.row_bytes,
        before_s=costs.start_s + read_s,
        compute_s=costs.ready_s + (all_s + waits_s) / tasks * rounds,
        schedule_s=tasks * costs.task_s,
        storage_s=bars_read * costs.bar_bytes / costs.storage_bytes_s,
        after_s=after_s,
        busy_s=all_s + driver_s + costs.start_s + min(cores, tasks) * costs.ready_s,
        core_s=of_bars_s,
    )  # fmt: skip


def best_chunk_sets(sets: int, bars: Sequence[int], cores: int, costs: Costs) -> int:
    """Return the sets of a chunk that take least, of equal ones those that keep cores least busy.

    A chunk takes `CHUNK_S_MAX` at most unless `FEWEST_SETS` take longer.
    """

    def taken(size: int) -> tuple[float, float]:
        found = estimate(sets, bars, cores, costs, size)
        return found.seconds, found.compute_s

    most = max(bars, default=0) * costs.bar_set_ns / 1e9
    sizes = [size for size in CHUNK_SIZES if size == FEWEST_SETS or size * most <= CHUNK_S_MAX]
    sizes = [size for size in sizes if size < sets] or [sets]
    return min(sizes, key=taken)


def thread_chunk_sets(sets: int, inputs: int, threads: int) -> int:
    """Return the sets of a chunk for threads of one process, whose tasks cost next to nothing.

    Those of which the thread that ends last has least to do; of equal ones the most, since the
    sets of a chunk share features. A chunk is of one input.
    """

    def most(size: int) -> tuple[float, int]:
        rounds = -(-(-(-sets // size) * inputs) // threads)
        waits = UNEVEN * size if threads > 1 else 0.0
        return rounds * (size + CHUNK_EXTRA_SETS) + waits, -size

    return min(range(1, min(CHUNK_SETS, sets) + 1), key=most)
