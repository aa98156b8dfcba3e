"""How an order was sized: the rule of the configuration with the numbers it was given."""

from typing import Any, NamedTuple

import msgspec

from admf_fast.config import Config
from admf_kernels.execution.records import Bar, Desk, Exposure, Ledger, Plain
from admf_kernels.execution.sizing import kelly_share, target_lots
from admf_kernels.execution.terms import CUSTOM, FIXED, KELLY, RISK, VOLATILITY, Terms


class Sized(NamedTuple):
    """What a signal was sized from; `lots` is what the rule gives for these numbers again."""

    kind: str
    settings: dict[str, Any]
    signal: float
    equity: float
    close: float
    lots: int
    formula: str


def sized(
    config: Config, terms: Terms, signal: float, equity: float, bar: Any,
    inputs: dict[str, float], ledger: Ledger, worth: float,
) -> Sized:  # fmt: skip
    """Return how `signal` became lots on `bar`, by the kernel that sizes in every mode.

    A lot is `worth` so much account currency at price 1.
    """
    settings = msgspec.to_builtins(config.sizing)
    kind = settings.pop("kind")
    measured = {name: value for name, value in inputs.items() if name != "atr_before"}
    known: dict[str, Any] = {"worth": worth, **measured}
    seen = Bar(0, *bar, **known)
    empty: dict[str, Any] = dict.fromkeys(Desk._fields)
    desk = Desk(**{**empty, "e": Plain(Exposure, *Exposure(equity)), "ledger": ledger})
    lots = target_lots(terms, desk, seen, signal)
    return Sized(
        kind, settings, signal, equity, bar.close, int(lots), _formula(terms, ledger, measured)
    )


def _formula(terms: Terms, ledger: Ledger, extra: dict[str, float]) -> str:
    a = terms.a
    if a.sizing == FIXED:
        return f"|signal| * {a.sizing_value!r} lots"
    if a.sizing == RISK:
        return f"|signal| * equity * {a.sizing_value!r} / value of one lot's way to the stop"
    if a.sizing == VOLATILITY:
        return (
            f"|signal| * equity * {a.sizing_value!r} / (deviation {extra['deviation']!r} * "
            f"sqrt({a.sizing_periods!r}) * value of one lot)"
        )
    if a.sizing == KELLY:
        return f"|signal| * equity * share {kelly_share(a, ledger)!r} / cost of one lot"
    if a.sizing == CUSTOM:
        return f"the sizing kernel's answer, at most {a.sizing_most!r} of the equity"
    return f"|signal| * equity * {a.sizing_value!r} / cost of one lot"
