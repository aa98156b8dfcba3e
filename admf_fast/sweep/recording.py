"""Storing the signals of a sweep's strategies, for sweeps that play them back.

Every distinct set of the strategy's own keys is run on an account that never trades, so that
its signals are what the strategy wants, and nothing else.
"""

import os
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from msgspec import UNSET

from admf_fast.config import Config
from admf_fast.errors import ConfigError
from admf_fast.sweep.assemble import Parts
from admf_fast.sweep.bars import open_inputs
from admf_fast.sweep.declared import space_of
from admf_fast.sweep.engine import Progress
from admf_fast.sweep.events import event_groups
from admf_fast.sweep.meaning import is_strategy_key, meaning_of, require_replayable
from admf_fast.sweep.regroup import regrouped
from admf_fast.sweep.run import Sweep, check_target
from admf_fast.sweep.space import Space, distinct
from admf_fast.sweep.stored import METADATA, write_stored
from admf_fast.sweep.variants import Variant, Variants
from admf_fast.sweep.work import open_work, remove
from admf_kernels.execution.terms import FIXED, Account, Terms
from admf_kernels.execution.uses import make_terms


@dataclass(frozen=True, slots=True)
class Recording:
    """Stored signals: where, of how many sets, how many changes, in how many bytes."""

    path: Path
    sets: int
    symbols: tuple[str, ...]
    bars: int
    failed: int
    changes: int
    bytes: int
    seconds: float
    digest: str


def record_signals(
    config: Config, target: Path, data: object | None = None, *, threads: int | None = None,
    chunk_sets: int | None = None, progress: Progress | None = None,
) -> Recording:  # fmt: skip
    """Store what the strategies of a sweep want on its bars, as one Parquet file.

    Parameters and errors are those of `run_sweep`; a stopped call goes on from its parts.
    Raises ConfigError also for a strategy whose signals depend on its account.
    """
    check_target(target, METADATA, "stored signals")
    space, sets = _strategy_space(config)
    variants = RecordingVariants(config, space)
    meaning = meaning_of(variants, sets)
    inputs = open_inputs(config, data)
    started = time.perf_counter()
    with open_work(target) as work:
        cores = len(os.sched_getaffinity(0))
        sweep = Sweep(
            config, variants, space, sets, inputs, threads or cores, keep=["signals"], apart=False
        )
        digests = sweep.inputs_digests(config) | {"signals": meaning}
        chunks, _ = sweep.begin(work, digests, chunk_sets)
        sweep.run(work, chunks, progress)
        errors = [*_errors(Parts(work, sweep.chunks, sweep.maker.schema, len(inputs)))]
        if len(errors) == len(sets) * len(inputs):
            remove(work)
            raise ConfigError(f"sweep: no set can be run: {errors[0][2]}")
        about = {
            "name": variants.config.name,
            "params": [{"name": axis.name, "key": axis.key} for axis in space.axes],
            "sets": [[None if v is UNSET else v for v in values] for values in sets],
            "errors": errors,
            "bars": {one.symbol: one.digest for one in inputs},
            "meaning": meaning,
        }
        changes = regrouped(event_groups(work, sweep.chunks, len(inputs), "signals"))
        digest, count = write_stored(target, changes, about)
        remove(work)
    return Recording(
        target, len(sets), tuple(one.symbol for one in inputs), sum(one.count for one in inputs),
        len(errors), count, target.stat().st_size, time.perf_counter() - started, digest,
    )  # fmt: skip


def _strategy_space(config: Config) -> tuple[Space, list[tuple[Any, ...]]]:
    """Return the keys of a sweep that decide what its strategies want, and their distinct sets."""
    space = space_of(config)
    if space.search is not None:
        raise ConfigError(
            f"{config.where('sweep', 'search')}: signals are stored of the sets of a grid or a "
            "sample; leave out search"
        )
    own = [k for k, axis in enumerate(space.axes) if is_strategy_key(axis.key)]
    axes = tuple(space.axes[k] for k in own)
    sets = distinct(tuple(values[k] for k in own) for values in space.sets())
    return Space(axes, (), (), None, space.sets_max), sets


def _errors(parts: Parts) -> Iterator[tuple[int, str, str]]:
    """Yield set, symbol and reason of every row that came to nothing."""
    for table in parts:
        failed = table.select(["set", "symbol", "error"]).filter(table["error"].is_valid())
        for row in failed.to_pylist():
            yield row["set"], row["symbol"], row["error"]


class RecordingVariants(Variants):
    """Sets on an account that never trades: it asks for no lots, whatever the signal."""

    def _ready(self, values: Sequence[Any]) -> Variant:
        variant = super()._ready(values)
        assert variant.setup is not None
        require_replayable(variant.setup.strategy)
        # What the exits read delays only a strategy that remembers: others are as they are
        # on every bar, whenever they are first asked.
        inputs = variant.setup.inputs if variant.setup.strategy.stateful else {}
        setup = replace(variant.setup, terms=_idle(variant.setup.terms), inputs=inputs)
        return replace(variant, setup=setup)


def _idle(terms: Terms) -> Terms:
    """Return terms under which every signal is recorded and none is followed."""
    account = Account(cash=1.0, sizing=FIXED, sizing_value=0.0)
    return make_terms(account, clock=terms.uses.clock, actions=terms.uses.actions)
