"""Compiled drivers by kind: from the process, else from the disk cache, else built."""

import functools
import hashlib
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from admf_kernels import actions, clock, numeric, orders, recorded
from admf_kernels.codegen import (
    access,
    carry,
    eight,
    eights,
    engine,
    execute,
    frame,
    gate,
    lanes,
    panel,
    run,
    scan,
    stretch,
)
from admf_kernels.codegen.engine import Form
from admf_kernels.codegen.text import class_name
from admf_kernels.compiler import cache, closure, load, toolchain
from admf_kernels.compiler.folding import NO_FACTS, Facts
from admf_kernels.compiler.load import Native
from admf_kernels.contract import ADJUSTMENT, Indicator, Kernel, Strategy
from admf_kernels.errors import KernelError
from admf_kernels.execution import actions as adjusting
from admf_kernels.execution import bar, costs, matching, metrics, news, records, requests, terms
from admf_kernels.execution.terms import Terms, Uses
from admf_kernels.execution.uses import left_out

_loaded: dict[str, Native] = {}
_failed: dict[str, KernelError] = {}
_loading = threading.Lock()

REACHED = (
    access.floats_at, access.words_at, access.invoke, *eight.NAMES,
    *access.AT.values(),
)  # fmt: skip
ACCESS = {f.__name__: f for f in REACHED}
BITS = {f.__name__: f for f in (numeric.bits_of, numeric.from_bits)}
# What the engine driver calls, and what the drivers around it do themselves.
ENGINE: tuple[Callable[..., Any], ...] = (
    bar.open_bar, bar.decide, bar.close_bar, requests.take_requests, matching.heed,
    news.take_news,
)  # fmt: skip
AROUND: tuple[Callable[..., Any], ...] = (
    bar.wanted_signal, metrics.mark_bar, records.expose, orders.keep,
)  # fmt: skip


@functools.cache
def for_indicator(kernel: Indicator, *, hashed: bool, waits: bool = False) -> Native:
    """Return the scan driver of an indicator."""
    names = {"Window": numeric.Window, "nan": numeric.nan, **_kernel_names(kernel)}
    kind = "scan_hashed" if hashed else "scan"
    source = scan.source(kernel, hashed=hashed, waits=waits)
    return native(f"{kind}_{kernel.name}", source, [kernel.step], names)


@functools.cache
def engine_for(edition: Uses, fee_of: Callable[..., Any], size_of: Callable[..., Any]) -> Native:
    """Return an edition of the engine, with the fee and sizing kernels of a run."""
    names = {"Terms": terms.Terms, "Desk": records.Desk, "fee_of": fee_of, "size_of": size_of}
    names |= {f.__name__: f for f in ENGINE}
    source, functions = engine.source(edition), [*ENGINE, fee_of, size_of]
    off = left_out(edition)
    return native("engine", source, functions, names, {Uses: off} if off else NO_FACTS)


@functools.cache
def brief_for(edition: Uses, fee_of: Callable[..., Any], size_of: Callable[..., Any]) -> Native:
    """Return what decides and fills at once, of an edition of the engine."""
    called: list[Callable[..., Any]] = [records.expose, bar.decide, bar.close_bar, matching.heed]
    names = {"Terms": terms.Terms, "Desk": records.Desk, "fee_of": fee_of, "size_of": size_of}
    names |= {f.__name__: f for f in called}
    functions = [*called, fee_of, size_of]
    return native("brief", engine.brief_source(), functions, names, {Uses: left_out(edition)})


@functools.cache
def for_strategy(kernel: Strategy, features: tuple[str, ...], form: Form) -> Native:
    """Return the run driver of a strategy, its features in the given order."""
    source = run.source(kernel, features, form)
    return native(f"run_{kernel.name}", source, [kernel.step, *AROUND], _names(kernel))


@functools.cache
def for_lanes(kernel: Strategy, features: tuple[str, ...], form: Form) -> Native:
    """Return the lane driver of a strategy: any number of parameter sets."""
    source = lanes.source(kernel, features, form)
    functions = [kernel.step, *AROUND, *eights.CALLED]
    names = {**_names(kernel), **eights.names()}
    return native(f"lanes_{kernel.name}", source, functions, names)


@functools.cache
def for_panel(
    kernel: Strategy, features: tuple[str, ...], form: Form, *, rotates: bool, converts: bool
) -> Native:
    """Return the panel driver of a strategy on several instruments."""
    source = panel.source(kernel, features, form, rotates=rotates, converts=converts)
    more: tuple[Callable[..., Any], ...] = (costs.month_of, adjusting.price_after)
    names = {**_names(kernel), **{f.__name__: f for f in more}, "nan": numeric.nan}
    functions = [kernel.step, *AROUND, *more]
    return native(f"panel_{kernel.name}", source, functions, names)


@functools.cache
def for_clock(columns: tuple[str, ...]) -> Native:
    """Return the driver that fills clock columns."""
    return native("clock", clock.source(columns), [], {})


@functools.cache
def for_actions() -> Native:
    """Return the driver that fills the columns of splits and dividends."""
    return native("actions", actions.SOURCE, [], {})


@functools.cache
def for_recorded() -> Native:
    """Return the driver that fills the columns of stored signals."""
    return native("recorded", recorded.SOURCE, [], {})


@functools.cache
def for_frame(*, hashed: bool) -> Native:
    """Return the driver that makes bars of a longer timeframe."""
    return native("frame", frame.source(hashed=hashed), [], {"Bucket": frame.Bucket})


@functools.cache
def for_gate() -> Native:
    """Return the driver that says from which bar on a strategy is called."""
    return native("gate", gate.SOURCE, [], {})


@functools.cache
def execute_all() -> Native:
    """Return the driver that runs the drivers of a program one after the other."""
    return native("execute", execute.SOURCE, [], {})


@functools.cache
def carry_over_bars() -> Callable[[int, int, int], int]:
    """Return the driver that takes a program over many blocks of bars, ready to call."""
    return native("carry", carry.SOURCE, [], {}).caller()


@functools.cache
def stretch_over_arrays() -> Callable[[int, int, int], int]:
    """Return the driver that takes a program over whole arrays, ready to call."""
    return native("stretch", stretch.SOURCE, [], {}).caller()


def native(
    name: str, source: str, functions: Sequence[Callable[..., Any]], names: Mapping[str, Any],
    facts: Facts = NO_FACTS,
) -> Native:  # fmt: skip
    """Return a driver ready to call; compiles it when neither process nor disk has it.

    Its kernels are compiled for what the `facts` say (`compiler.folding`).
    """
    # Neither Numba nor LLVM may be entered by two threads at once.
    with _loading:
        key = key_of(source, functions, names, facts)
        if key in _failed:  # as it would again, after seconds
            raise type(_failed[key])(str(_failed[key])) from _failed[key]
        if key not in _loaded:
            stored = cache.read(key)
            if stored is None:
                from admf_kernels.compiler import build

                try:
                    stored = build.to_object(
                        name, source, functions, {**ACCESS, **BITS, **names}, facts
                    )
                except KernelError as error:
                    _failed[key] = error
                    raise
                cache.write(key, *stored)
            _loaded[key] = load.load(name, *stored)
    return _loaded[key]


def key_of(
    source: str, functions: Sequence[Callable[..., Any]], names: Mapping[str, Any],
    facts: Facts = NO_FACTS,
) -> str:  # fmt: skip
    """Return the cache key: driver source, all code it reaches, classes, toolchain, CPU."""
    hashed = hashlib.sha256(source.encode())
    hashed.update(closure.digest([*functions, *REACHED, *BITS.values()]).encode())
    for name, value in sorted(names.items()):
        hashed.update(f"{name}={getattr(value, '__annotations__', value)!r}\0".encode())
    for cls, known in facts.items():
        hashed.update(f"{cls.__qualname__} {sorted(known.items())}\0".encode())
    for function in closure.reachable(functions) if facts else ():
        # They say where the facts hold.
        said = {n: getattr(v, "__qualname__", "") for n, v in function.__annotations__.items()}
        hashed.update(f"{function.__qualname__} {said}\0".encode())
    hashed.update(toolchain.digest().encode())
    return hashed.hexdigest()


def code_digest(
    strategy: Strategy | None, indicators: Iterable[Indicator], others: Iterable[Any] = (),
    form: Form | None = None, made: Terms | None = None,
) -> str:  # fmt: skip
    """Return the sha256 of all code that decides what a run does: kernels, execution, drivers.

    `others` are further functions whose code belongs to it.
    """
    kernels: list[Kernel] = [*indicators]
    sources = [scan.source(indicator, hashed=True) for indicator in indicators]
    functions: list[Callable[..., Any]] = [*others]
    if strategy is not None and form is not None and made is not None:
        kernels.append(strategy)
        adjusted = (ADJUSTMENT, "close") if form.uses.actions else ()
        sources += [run.source(strategy, adjusted, form), engine.source(form.edition)]
        functions += [*AROUND, *ENGINE, made.fee_of, made.size_of]
    functions += [f for kernel in kernels for f in (kernel.step, kernel.prepare)]
    hashed = hashlib.sha256(closure.digest(functions).encode())
    for source in sources:
        hashed.update(source.encode())
    return hashed.hexdigest()


def _kernel_names(kernel: Kernel) -> dict[str, Any]:
    classes = (kernel.constants, kernel.state)
    return {"step": kernel.step, **{class_name(cls): cls for cls in classes}}


def _names(kernel: Strategy) -> dict[str, Any]:
    classes = {class_name(metrics.Curve): metrics.Curve}
    return {**{f.__name__: f for f in AROUND}, **classes, **_kernel_names(kernel)}
