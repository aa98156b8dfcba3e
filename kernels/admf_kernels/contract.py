"""The kernel contract: what an indicator and a strategy declare.

A kernel is a pure function of scalars, written once. Its arguments are bound **by name**:

======================  ==========================================================
``c``                   constants, prepared once from the parameters
``s``                   the kernel's own state; all zeros is a fresh start
``bars``                bars seen, this one included, counted up to warmup_bars + 1
``renew``               True on every renew_bars-th bar after the warm-up
a name of ``inputs``    (indicator) a column, a lagged column or a window
a name of ``features``  (strategy) the value of that feature on this bar
a column of the bar     (strategy) ``ts_ns open high low close volume``
a clock column          (strategy) one of `CLOCK_COLUMNS`, see `admf_kernels.clock`
``adjustment``          (strategy) adjusted over traded prices, see `admf_kernels.actions`
``position``            (strategy) signed quantity held, in units
``cash``, ``equity``    (strategy) account currency, at this bar's close
``entry_price``         (strategy) price of the fill that opened the position; 0.0 when flat
======================  ==========================================================

It returns ``(state, outputs)``; a kernel without ``s`` returns its outputs alone.
"""

import functools
import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from admf_kernels import parameters
from admf_kernels.errors import KernelError
from admf_kernels.parameters import Between, Rule
from admf_kernels.timeframe import timeframe_ns

__all__ = [
    "BAR_COLUMNS",
    "CLOCK_COLUMNS",
    "Between",
    "Feature",
    "Indicator",
    "Output",
    "Rule",
    "Strategy",
    "on",
]

BAR_COLUMNS = ("ts_ns", "open", "high", "low", "close", "volume")
PRICE_COLUMNS = BAR_COLUMNS[1:]
CLOCK_COLUMNS = ("session", "minute_of_day", "minute_of_session", "minutes_left", "weekday")
ADJUSTMENT = "adjustment"
RECORDED = "recorded"  # columns recorded:0, recorded:1, ... see `admf_kernels.recorded`
DRIVER_ARGUMENTS = ("c", "s", "bars", "renew")
ACCOUNT_ARGUMENTS = ("position", "cash", "equity", "entry_price")

Bars = int | str | Callable[[Any], int]


class Lag(NamedTuple):
    """An input that is another input, `bars` bars earlier (NaN before the first bar)."""

    of: str
    bars: Bars


class WindowOf(NamedTuple):
    """An input that gives the last `bars` values of another input, read with ``at``."""

    of: str
    bars: Bars


Input = str | Lag | WindowOf


def lag(of: str, bars: Bars) -> Lag:
    """Declare an input that is `of`, `bars` bars earlier; `bars` may name a parameter."""
    return Lag(of, bars)


def window(of: str, bars: Bars) -> WindowOf:
    """Declare an input that gives read access to the last `bars` values of `of`."""
    return WindowOf(of, bars)


def resolve_bars(bars: Bars, params: Any) -> int:
    """Return the number of bars that a declaration means for `params`.

    Raises KernelError for less than 0: that would look ahead.
    """
    if isinstance(bars, str):
        found = getattr(params, bars)
    else:
        found = bars if isinstance(bars, int) else bars(params)
    if int(found) < 0:
        raise KernelError(f"expected 0 bars or more, found {found} for {params}: it looks ahead")
    return int(found)


@functools.lru_cache(4096)  # lanes ask for them again and again
def _arguments_of(step: Callable[..., Any]) -> tuple[str, ...]:
    return tuple(inspect.signature(step).parameters)


@dataclass(frozen=True, slots=True, eq=False)
class Kernel:
    """What indicators and strategies have in common."""

    name: str
    step: Callable[..., Any]
    params: type
    state: type
    constants: type
    prepare: Callable[[Any], Any]
    rules: tuple[Rule, ...]

    @property
    def doc(self) -> str:
        """The kernel's docstring."""
        return inspect.getdoc(self.step) or ""

    @property
    def summary(self) -> str:
        """The first line of the docstring."""
        return self.doc.partition("\n")[0]

    @property
    def reference(self) -> str:
        """The name it is found by: plain for built-in kernels, else ``module:name``."""
        module = self.step.__module__
        return self.name if module.startswith("admf_kernels.") else f"{module}:{self.name}"

    @property
    def arguments(self) -> tuple[str, ...]:
        """The names of the step's arguments, in order."""
        return _arguments_of(self.step)

    @property
    def stateful(self) -> bool:
        """Whether the step takes and returns a state."""
        return "s" in self.arguments

    def checked(self, *args: Any, **kwargs: Any) -> Any:
        """Return validated Params; raises ParameterError naming kernel, field and remedy."""
        return parameters.checked(self.name, self.params, self.rules, args, kwargs)


@dataclass(frozen=True, slots=True, eq=False)
class Indicator(Kernel):
    """A kernel that turns columns into one value (or a few) per bar.

    Calling it gives a `Feature`: ``sma(20)``, ``sma(20, of="volume")``,
    ``sma(50, of=atr(14))``, ``bollinger(20, 2.0).lower``.
    """

    inputs: Mapping[str, Input]
    outputs: tuple[str, ...]
    warmup: Bars
    renewal: Bars | None

    def warmup_bars(self, params: Any) -> int:
        """Bars until the first valid value, that bar included."""
        return resolve_bars(self.warmup, params)

    def renew_bars(self, params: Any) -> int:
        """Bars between two renewals; 0 for a kernel that needs none."""
        if self.renewal is None:
            return 0
        bars = resolve_bars(self.renewal, params)
        if bars < 1:
            raise KernelError(f"{self.name}: renew_bars must be 1 or more, found {bars}")
        return bars

    @property
    def windows(self) -> dict[str, WindowOf]:
        """The inputs that are windows."""
        return {n: i for n, i in self.inputs.items() if isinstance(i, WindowOf)}

    @property
    def sources(self) -> tuple[str, ...]:
        """The inputs that name a column; the others are derived from these."""
        return tuple(n for n, i in self.inputs.items() if isinstance(i, str))

    def __call__(self, *args: Any, of: Any = None, **kwargs: Any) -> "Feature":
        """Return the feature of this indicator with these parameters over `of`."""
        try:
            return _kept_feature(self, of, *args, **kwargs)
        except TypeError:  # of what nothing can be kept by; if that is wrong, this says so
            return _feature(self, of, *args, **kwargs)


@dataclass(frozen=True, slots=True, eq=False)
class Composite(Kernel):
    """An indicator that is an expression over other indicators: nothing to compile."""

    inputs: Mapping[str, Input]
    outputs: tuple[str, ...]

    @property
    def sources(self) -> tuple[str, ...]:
        """The inputs, each a column."""
        return tuple(self.inputs)

    def __call__(self, *args: Any, of: Any = None, **kwargs: Any) -> "Output":
        """Return the expression for these parameters over `of`."""
        params = self.checked(*args, **kwargs)
        return output_of(self.step(params, *_sources(self, of)))


def _feature(indicator: Indicator, of: Any, /, *args: Any, **kwargs: Any) -> "Feature":
    return Feature(indicator, indicator.checked(*args, **kwargs), _sources(indicator, of))


# The sets of a sweep ask for the same few features over and over; those asked for last are kept.
FEATURES_KEPT = 4096
_kept_feature = functools.lru_cache(FEATURES_KEPT, typed=True)(_feature)


def _sources(kernel: "Indicator | Composite", of: Any) -> tuple["Source", ...]:
    """Return one source per declared column: the defaults, or what `of` says."""
    if of is None:
        return tuple(str(kernel.inputs[n]) for n in kernel.sources)
    given = of if isinstance(of, (tuple, list)) and not isinstance(of, (Feature, Output)) else (of,)
    if len(given) != len(kernel.sources):
        raise KernelError(
            f"{kernel.name}: expected {len(kernel.sources)} source(s) "
            f"({', '.join(kernel.sources)}), found {len(given)}"
        )
    return tuple(_source(kernel.name, g) for g in given)


def _source(name: str, given: Any) -> "Source":
    if isinstance(given, str):
        known = (*PRICE_COLUMNS, *CLOCK_COLUMNS, ADJUSTMENT)
        if given not in known:
            raise KernelError(f"{name}: no column {given!r}; expected one of {known}")
        return given
    return output_of(given)


class Feature(NamedTuple):
    """One indicator with its parameters and sources; equal features are computed once.

    With a `timeframe` it is computed on closed bars of that timeframe, its sources too.
    """

    indicator: Indicator
    params: Any
    sources: tuple[Any, ...]
    timeframe: str = ""

    @property
    def label(self) -> str:
        """A readable deterministic name: ``sma(20)``, ``sma(50, of=atr(14))``."""
        shown = ", ".join(_number(p) for p in self.params)
        if self.sources != tuple(self.indicator.inputs[n] for n in self.indicator.sources):
            names = [s if isinstance(s, str) else s.label for s in self.sources]
            of = names[0] if len(names) == 1 else f"({', '.join(names)})"
            shown = f"{shown}, of={of}" if shown else f"of={of}"
        label = f"{self.indicator.reference}({shown})"
        return on_label(self.timeframe, label) if self.timeframe else label

    def __getattr__(self, name: str) -> "Output":
        if not name.startswith("_") and name in self.indicator.outputs:
            return Output(self, self.indicator.outputs.index(name))
        raise AttributeError(
            f"{self.indicator.name} has no output {name!r}; it has {self.indicator.outputs}"
        )


class Output(NamedTuple):
    """One column of a feature."""

    feature: Feature
    place: int  # among the outputs of its indicator

    @property
    def label(self) -> str:
        """The feature's label, with the output's name where there are several."""
        outputs = self.feature.indicator.outputs
        return self.feature.label + (f".{outputs[self.place]}" if len(outputs) > 1 else "")


Source = str | Output


def output_of(given: Any) -> Output:
    """Return `given` as one column; a feature with several outputs must say which."""
    if isinstance(given, Output):
        return given
    if isinstance(given, Feature):
        if len(given.indicator.outputs) == 1:
            return Output(given, 0)
        raise KernelError(
            f"{given.label} has {len(given.indicator.outputs)} outputs; "
            f"name one: {', '.join('.' + o for o in given.indicator.outputs)}"
        )
    raise KernelError(f"expected a feature such as sma(20), found {given!r}")


def on_label(timeframe: str, label: str) -> str:
    """Return the label of a feature on bars of another timeframe: ``on(1h, sma(20))``."""
    return f"on({timeframe}, {label})"


def on(timeframe: str, feature: Any) -> Any:
    """Return a feature computed on bars of a longer timeframe: ``on("1h", sma(20))``.

    Those bars are made of the program's own; each is seen when it has closed, and not
    before. `feature` is what the program's own bars could have, all its sources included;
    a feature over ``on(...)`` is computed on the program's bars again.

    Raises KernelError for an unknown timeframe, and for one inside of another.
    """
    timeframe_ns(timeframe)
    if isinstance(feature, Output):
        return feature._replace(feature=on(timeframe, feature.feature))
    if not isinstance(feature, Feature):
        raise KernelError(f"on({timeframe!r}, ...): expected a feature, found {feature!r}")
    if _has_timeframe(feature):
        raise KernelError(
            f"on({timeframe!r}, ...): {feature.label} has a timeframe inside; give one, outermost"
        )
    if ADJUSTMENT in columns_of(feature):
        raise KernelError(
            f"on({timeframe!r}, ...): {feature.label} reads {ADJUSTMENT}, which only the "
            "program's own bars have; longer bars are adjusted already"
        )
    return feature._replace(timeframe=timeframe)


def _has_timeframe(feature: Feature) -> bool:
    inner = (s.feature for s in feature.sources if isinstance(s, Output))
    return feature.timeframe != "" or any(_has_timeframe(f) for f in inner)


def columns_of(source: Any) -> set[str]:
    """Return the columns that a source on the program's own bars comes down to."""
    if isinstance(source, str):
        return {source}
    feature = source.feature if isinstance(source, Output) else source
    found = [columns_of(s) for s in feature.sources]
    return set[str]().union(*found) if not feature.timeframe else set()


def _number(value: Any) -> str:
    return repr(value)


@dataclass(frozen=True, slots=True, eq=False)
class Strategy(Kernel):
    """A kernel that turns features and the bar into a signal in [-1, 1].

    With `orders` above 0 it returns that many `admf_kernels.orders.Request` instead, one for
    each of its places for working orders.
    """

    features: Callable[[Any], Mapping[str, Any]]
    orders: int = 0

    def outputs_for(self, params: Any) -> dict[str, Output]:
        """Return the feature columns this strategy reads, by argument name."""
        return {name: output_of(f) for name, f in self.features(params).items()}

    def columns_for(self, params: Any, *, adjusted: bool = False) -> dict[str, Source]:
        """Return the features and the columns this strategy reads, by argument name.

        Those of the bar are among them only where prices are `adjusted` for splits and
        dividends; then ``close`` and ``adjustment`` are, whether it reads them or not.
        """
        names = [name for name in CLOCK_COLUMNS if name in self.arguments]
        if adjusted or ADJUSTMENT in self.arguments:
            names += [n for n in PRICE_COLUMNS if n in self.arguments or n == "close"]
            names.append(ADJUSTMENT)
        played = {RECORDED: f"{RECORDED}:{params.series}"} if RECORDED in self.arguments else {}
        return {**self.outputs_for(params), **{name: name for name in names}, **played}
