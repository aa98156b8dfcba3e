"""Tests for kernels of your own: the ones the built-in kernels have to pass.

::

    from admf_kernels.testing import check_kernel

    def test_my_kernel():
        check_kernel("my_module:my_kernel")

Every check raises AssertionError with the first bar, layer and field that differ. Values
are compared as raw bytes.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import numpy as np

from admf_kernels import registry
from admf_kernels.compiler import closure, rules
from admf_kernels.contract import (
    Composite,
    Feature,
    Indicator,
    Kernel,
    Output,
    Strategy,
    output_of,
)
from admf_kernels.execution.terms import SAME_CLOSE, Account, Instrument
from admf_kernels.execution.uses import make_terms
from admf_kernels.indicators.shift import shift
from admf_kernels.plan import Plan
from admf_kernels.recording import Bars, Run, record_compiled, record_plain, require_equal

__all__ = [
    "Bars",
    "check_blocks",
    "check_kernel",
    "check_plain",
    "check_prefix",
    "check_repeat",
    "check_rules",
    "check_warmup",
    "random_bars",
]

BARS = 400
FEES = Instrument(fee_rate=0.001, fee_fixed=1.0, slippage_rate=0.0005)

Subject = str | Kernel | Feature | Output


def random_bars(count: int, seed: int = 0) -> Bars:
    """Return valid bars with trends, jumps, gaps and stretches where nothing moves."""
    rng = np.random.default_rng(seed)
    moves = 0.01 * rng.standard_normal(count) + 0.002 * np.sin(np.arange(count) / 25.0)
    moves += np.where(rng.random(count) < 0.01, 0.4 * rng.standard_normal(count), 0.0)
    still = np.sin(np.arange(count) / 40.0 + rng.random()) > 0.9
    moves[still] = 0.0
    close = 100.0 * np.exp(np.cumsum(moves))
    gaps = np.where(still, 0.0, 0.002 * rng.standard_normal(count))
    open_ = np.concatenate([close[:1], close[:-1]]) * np.exp(gaps)
    reach = np.where(still, 0.0, 0.003) * rng.random((2, count))
    high = np.maximum(open_, close) * (1.0 + reach[0])
    low = np.minimum(open_, close) * (1.0 - reach[1])
    ts_ns = 1_700_000_000_000_000_000 + 60_000_000_000 * np.arange(count, dtype=np.int64)
    return Bars(ts_ns, open_, high, low, close, np.floor(1000.0 * rng.random(count)))


def runs_of(subject: Subject, params: Any = None) -> list[Run]:
    """Return what is run to check a kernel, a feature or a ``module:name``."""
    if isinstance(subject, (Feature, Output)):
        return [_features_run(subject)]
    kernel = registry.get(subject) if isinstance(subject, str) else subject
    if isinstance(kernel, Strategy):
        chosen = _params_of(kernel, params)
        each = (
            make_terms(requests=kernel.orders),
            make_terms(Account(fill=SAME_CLOSE), FEES, requests=kernel.orders),
        )
        return [Run(f"{kernel.name}{tuple(chosen)}", (), kernel, chosen, t) for t in each]
    assert isinstance(kernel, (Indicator, Composite))
    chosen = _params_of(kernel, params)
    # Over columns, and over features that are themselves not valid on the first bars.
    late = tuple(output_of(shift(3, of=str(kernel.inputs[name]))) for name in kernel.sources)
    return [_features_run(kernel(*chosen)), _features_run(kernel(*chosen, of=late))]


def _params_of(kernel: Kernel, params: Any) -> Any:
    if params is None:
        return kernel.checked()
    return kernel.checked(**params) if isinstance(params, dict) else kernel.checked(*params)


def _features_run(given: Feature | Output) -> Run:
    if isinstance(given, Feature):
        outputs = tuple(Output(given, k) for k in range(len(given.indicator.outputs)))
        return Run(given.label, outputs)
    return Run(given.label, (given,))


def _cases(
    subject: Subject, params: Any, bars: int | Bars, seed: int
) -> Iterator[tuple[Run, Bars]]:
    for run in runs_of(subject, params):
        if isinstance(bars, Bars):
            yield run, bars
        else:
            yield run, random_bars(max(bars, run.settled_bars + 50), seed)


def check_blocks(
    subject: Subject,
    params: Any = None,
    *,
    bars: int | Bars = BARS,
    seed: int = 0,
    sizes: Iterable[Sequence[int]] = (),
) -> None:
    """Check that any cut into blocks, bar by bar included, gives what one block gives.

    `sizes` are more cuts to try, each a sequence of block sizes that add up to the bars.
    """
    for run, data in _cases(subject, params, bars, seed):
        rng = np.random.default_rng(seed)
        whole = record_compiled(run, data, [data.bars])
        for cut in ([1] * data.bars, *(_random_sizes(rng, data.bars) for _ in range(3)), *sizes):
            found = record_compiled(run, data, cut)
            what = "bar by bar" if max(cut, default=1) == 1 else f"in blocks of {_short(cut)}"
            require_equal(run, f"{what} differs from one block", whole, found)


def _random_sizes(rng: np.random.Generator, count: int) -> list[int]:
    edges = np.unique(rng.integers(1, max(count, 2), size=8))
    return [int(size) for size in np.diff([0, *edges[edges < count], count])]


def _short(sizes: Sequence[int]) -> str:
    shown = ", ".join(str(size) for size in sizes[:6])
    return f"{shown}, ..." if len(sizes) > 6 else shown


def check_plain(
    subject: Subject, params: Any = None, *, bars: int | Bars = BARS, seed: int = 0
) -> None:
    """Check that the compiled form gives what the same functions give in plain Python."""
    for run, data in _cases(subject, params, bars, seed):
        try:
            plain = record_plain(run, data)
        except (ArithmeticError, ValueError, IndexError) as error:
            raise AssertionError(
                f"{run.name}: plain Python stopped with {type(error).__name__}: {error}; "
                "guard the operation with select(...), since compiled code does not stop"
            ) from error
        compiled = record_compiled(run, data, [data.bars])
        require_equal(run, "compiled differs from plain Python", plain, compiled)


def check_prefix(
    subject: Subject, params: Any = None, *, bars: int | Bars = BARS, seed: int = 0
) -> None:
    """Check that later bars never change what earlier bars gave: nothing looks ahead."""
    for run, data in _cases(subject, params, bars, seed):
        whole = record_compiled(run, data, [data.bars])
        for known in sorted({1, data.bars // 3, data.bars // 2, data.bars - 1} - {0}):
            early = whole.before(known)
            cut = record_compiled(run, data.rows(0, known), [known]).before(known)
            require_equal(run, f"without the bars after {known}", early, cut)
            other = record_compiled(run, _other_after(data, known), [data.bars]).before(known)
            require_equal(run, f"with other bars after {known}", early, other)


def _other_after(bars: Bars, known: int) -> Bars:
    """Return bars whose prices and volumes after the first `known` are three times as high."""
    scaled = [np.concatenate([c[:known], 3.0 * c[known:] + 1.0]) for c in bars[1:]]
    return Bars(bars.ts_ns, *scaled)


def check_warmup(
    subject: Subject, params: Any = None, *, bars: int | Bars = BARS, seed: int = 0
) -> None:
    """Check that outputs are NaN before the declared bar, and never from it on."""
    for run, data in _cases(subject, params, bars, seed):
        record = record_compiled(run, data, [data.bars])
        for label, output in run.columns.items():
            ready = Plan([output]).ready_bars(output)
            invalid = np.isnan(record.columns[f"features.{label}"].view(np.float64))
            first = int(np.argmin(invalid)) + 1 if not invalid.all() else data.bars + 1
            expected = min(ready, data.bars + 1)
            waits = Plan([output]).waits(output)  # the times of the bars say from when on
            if first != expected and not (waits and first > ready):
                raise AssertionError(
                    f"{run.name}: features.{label}: declared valid from bar {ready} on, "
                    f"counted from 1; first value on bar {first}"
                )
            later = np.flatnonzero(invalid[first - 1 :])
            if len(later):
                raise AssertionError(f"{run.name}: bar {first - 1 + later[0]}, {label} is NaN")


def check_repeat(
    subject: Subject, params: Any = None, *, bars: int | Bars = BARS, seed: int = 0
) -> None:
    """Check that a second fresh run gives the same: state starts anew, nothing is random."""
    for run, data in _cases(subject, params, bars, seed):
        once = record_compiled(run, data, [data.bars])
        again = record_compiled(run, data, [data.bars])
        require_equal(run, "the second run differs from the first", once, again)


def check_rules(subject: Subject, params: Any = None) -> None:
    """Check the source of a kernel, and of all functions it calls, against the rules.

    Raises RuleError, which names file, line and remedy.
    """
    for run in runs_of(subject, params):
        steps = [output.feature.indicator.step for output in run.columns.values()]
        steps += [] if run.strategy is None else [run.strategy.step]
        for function in closure.reachable(steps):
            if function.__module__ != "admf_kernels.numeric":
                rules.check(function)


CHECKS: tuple[Callable[..., None], ...] = (
    check_plain,
    check_blocks,
    check_prefix,
    check_warmup,
    check_repeat,
)


def check_kernel(
    subject: Subject, params: Any = None, *, bars: int | Bars = BARS, seed: int = 0
) -> None:
    """Run every check of this module on a kernel.

    Parameters
    ----------
    subject : str, kernel or feature
        ``"my_module:my_kernel"``, the kernel itself, or a feature such as ``sma(5)``.
    params : mapping or sequence, optional
        The kernel's parameters; its defaults when left out.
    bars : int or Bars
        How many random bars to run over (more where the warm-up takes more), or the bars.
    seed : int
        Of the random bars and the cuts.

    Raises
    ------
    AssertionError
        With the first bar, layer and field that differ.
    RuleError
        When the source breaks a rule of the determinism contract.
    """
    check_rules(subject, params)
    for check in CHECKS:
        check(subject, params, bars=bars, seed=seed)
