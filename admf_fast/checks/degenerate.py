"""Degenerate results: runs that say nothing, however good they look."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import xxhash
from msgspec import UNSET, structs

from admf_fast.checks.columns import Columns, in_blocks
from admf_fast.checks.findings import Finding, Status, plural, several
from admf_fast.config import RegimesSpec, StrategySpec
from admf_fast.data import BarBlock
from admf_fast.feeds import replay
from admf_fast.runners.setup import Setup, named_features
from admf_fast.runners.strategy import strategy_of
from admf_kernels.errors import KernelError
from admf_kernels.execution.uses import make_terms
from admf_kernels.layout import fields_of
from admf_kernels.plain import PlainProgram

NAME = "degenerate"
BARS_MAX = 100_000
ALWAYS = 0.995  # of the bars on which the strategy could act
FACTORS = (0.5, 0.8, 1.25, 2.0)
AS_CONFIGURED = "as configured"
PLAIN_BARS_MAX = 20_000


def degenerate(setup: Setup, bars: BarBlock) -> Iterator[Finding]:
    """Yield whether a run does nothing, always the same, or the same for other parameters."""
    looked = bars.slice(0, BARS_MAX)
    found = in_blocks(setup, looked)
    yield from _activity(setup, found)
    yield from parameters(setup, looked, found)
    yield from classifier(setup, looked)


def _activity(setup: Setup, found: Columns) -> Iterator[Finding]:
    """Yield what signals and positions say by how often they change."""
    program = setup.program(1)
    ready = program.ready_bars(program.reads)
    count = found.bits.shape[1]
    acting = max(0, count - ready + 1)
    signals = _changes(found.of("signal"), 0)
    events = int(found.of("events")[-1]) - count if count else 0
    if not events and not signals:
        bars = plural(count, "bar")
        text = f"no signal and no order on {bars}, {acting:,} of them after the warm-up"
        yield Finding(NAME, "signals", "failed", text)
        return
    if signals == 1:
        text = f"the signal changed once on {plural(count, 'bar')}, and never again"
        yield Finding(NAME, "signals", "warning", text)
    else:
        made = plural(signals, "signal") if signals else f"{plural(events, 'event')} by own orders"
        yield Finding(NAME, "signals", "ok", f"{made} on {count:,} bars")
    held = int(np.count_nonzero(found.of("lots")))
    share = held / acting if acting else 0.0
    text = f"in the market on {share:.1%} of the bars after the warm-up"
    if not held:
        yield Finding(NAME, "position", "warning", "signals or orders, but never a position")
    else:
        status: Status = "warning" if share >= ALWAYS else "ok"
        yield Finding(NAME, "position", status, text)


def _changes(words: np.ndarray, before: int) -> int:
    return int(np.count_nonzero(np.diff(words, prepend=np.int64(before))))


def parameters(setup: Setup, bars: BarBlock, found: Columns) -> Iterator[Finding]:
    """Yield which parameters change nothing when they change, and which sets do the same."""
    own = _digest(found)
    lanes = {AS_CONFIGURED: own}
    alive = []
    for name, sets in variations(setup).items():
        made = {text: fingerprint(setup, params, bars) for text, params in sets.items()}
        if all(digest == own for digest in made.values()):
            tried = f"also not as {several(made, 6)}" if made else "no other value is allowed"
            text = f"changes nothing on these bars, {tried}"
            yield Finding(NAME, f"parameter {name}", "warning" if made else "note", text)
        else:
            alive.append(name)
            lanes |= made
    if alive:
        text = f"each changes the result: {several(alive, 8)}"
        yield Finding(NAME, "parameters", "ok", text)
    yield from duplicates(lanes)


def duplicates(lanes: Mapping[str, str]) -> Iterator[Finding]:
    """Yield which lanes, given by name with the digest of their results, do the same."""
    by_digest: dict[str, list[str]] = {}
    for lane, digest in lanes.items():
        by_digest.setdefault(digest, []).append(lane)
    same = [names for names in by_digest.values() if len(names) > 1]
    for names in same:
        text = f"the same result from {several(names, 6)}"
        yield Finding(NAME, "lanes", "warning", text)
    if len(lanes) > 1 and not same:
        text = f"{plural(len(lanes), 'parameter set')} around the configured one, all different"
        yield Finding(NAME, "lanes", "ok", text)


def variations(setup: Setup) -> dict[str, dict[str, Any]]:
    """Return for each parameter of the strategy the allowed sets with another value of it."""
    found: dict[str, dict[str, Any]] = {}
    for field, value in zip(fields_of(setup.strategy.params), setup.params, strict=True):
        found[field.name] = {}
        for other in _others(field.kind, value):
            try:
                params = setup.strategy.checked(**{**setup.params._asdict(), field.name: other})
            except KernelError:
                continue  # a rule of the kernel forbids it
            found[field.name][f"{field.name}={other:g}"] = params
    return found


def _others(kind: str, value: Any) -> list[Any]:
    """Return other values of a parameter, around its own."""
    if kind == "bool":
        return [not value]
    scaled = [value * factor for factor in FACTORS] if value else [-1.0, -0.1, 0.1, 1.0]
    if kind == "int":
        scaled = [value - 1, value + 1, *(round(other) for other in scaled)]
    return [other for other in dict.fromkeys(scaled) if other != value]


def fingerprint(setup: Setup, params: Any, bars: BarBlock) -> str:
    """Return the digest of what a run with other parameters does: signals, position, money."""
    return _digest(in_blocks(replace(setup, params=params, features={}), bars))


def _digest(found: Columns) -> str:
    """Return a digest of what a run does; its state differs with any parameter."""
    made = xxhash.xxh3_128()
    for name in ("signal", "lots", "cash", "equity", "events"):
        made.update(np.ascontiguousarray(found.of(name)).data)
    return made.hexdigest()


def classifier(setup: Setup, bars: BarBlock) -> Iterator[Finding]:
    """Yield how the bars fall to the regimes of a strategy that has some at its top."""
    regimes = setup.config.strategy.regimes
    if not isinstance(regimes, RegimesSpec):
        return
    looked = bars.slice(0, PLAIN_BARS_MAX)
    counts = regime_counts(setup, regimes, looked)
    known = sum(counts.values())
    shares = ", ".join(f"{name} {count / max(1, known):.1%}" for name, count in counts.items())
    never = [name for name, count in counts.items() if not count]
    if not known:
        text = f"no regime was in force on any of {plural(len(looked), 'bar')}"
        yield Finding(NAME, "regimes", "warning", text)
    elif max(counts.values()) == known and len(counts) > 1:
        yield Finding(NAME, "regimes", "warning", f"stuck in one state: {shares}")
    elif never:
        text = f"never in force: {several(never)} ({shares})"
        yield Finding(NAME, "regimes", "warning", text)
    else:
        yield Finding(NAME, "regimes", "ok", shares)


def regime_counts(setup: Setup, regimes: RegimesSpec, bars: BarBlock) -> dict[str, int]:
    """Return on how many bars each regime was in force, once there was one.

    The same classifier is run in plain Python with strategies that say which of them it was: a
    constant signal each.
    """
    names = list(dict.fromkeys([*(state.name for state in regimes.states), regimes.otherwise]))
    marks = {name: (k + 1) / len(names) for k, name in enumerate(names)}
    # Nothing but what these name would be used of the parameters, and that is refused.
    given = setup.config.strategy.params
    named = "".join(f" + 0 * {name}" for name in (given if isinstance(given, dict) else {}))
    use = {name: StrategySpec(signal=f"{mark!r}{named}") for name, mark in marks.items()}
    probe = structs.replace(
        setup.config.strategy, regimes=structs.replace(regimes, use=use), when=UNSET
    )
    strategy, params = strategy_of(
        structs.replace(setup.config, strategy=probe), named_features(setup.config)
    )
    terms = make_terms(actions=setup.actions is not None)
    program = PlainProgram(strategy, params, terms, clock=setup.clock, actions=setup.actions)
    by_mark = {mark: name for name, mark in marks.items()}
    counts = dict.fromkeys(names, 0)
    for bar in replay([bars]):
        name = by_mark.get(program.step(*bar).signal)
        if name is not None:
            counts[name] += 1
    return counts
