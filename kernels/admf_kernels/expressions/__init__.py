"""Strategies and features written as expressions instead of Python functions.

::

    from admf_kernels.expressions import Rules, Side, feature_of, strategy_of

    trend = feature_of("sma(close - open, 20)")
    crossing = strategy_of(
        Rules(
            long=Side(enter="crosses_above(sma(fast), sma(slow))"),
            short=Side(enter="crosses_below(sma(fast), sma(slow))"),
            params={"fast": 10, "slow": 30},
        )
    )

A text is parsed into a tree of our own, the tree resolved into typed operations, and these
are written out as the step of an ordinary kernel: the same drivers, the same plain-Python
oracle, the same speed. No text is ever executed.
"""

from collections.abc import Mapping

from admf_kernels.contract import Output, output_of
from admf_kernels.expressions.build import strategy_of
from admf_kernels.expressions.errors import ExpressionError
from admf_kernels.expressions.forms import (
    Ensemble,
    Form,
    Kernel,
    Member,
    Regimes,
    Rules,
    Side,
    Signal,
    State,
)
from admf_kernels.expressions.names import Scope
from admf_kernels.expressions.resolve import number_of
from admf_kernels.expressions.sources import source_of
from admf_kernels.indicators.shift import shift

__all__ = [
    "Ensemble",
    "ExpressionError",
    "Form",
    "Kernel",
    "Member",
    "Regimes",
    "Rules",
    "Side",
    "Signal",
    "State",
    "feature_of",
    "strategy_of",
]


def feature_of(
    text: str,
    *,
    params: Mapping[str, float] | None = None,
    variables: Mapping[str, str] | None = None,
    features: Mapping[str, Output] | None = None,
) -> Output:
    """Return the feature that an expression means: ``feature_of("sma(close - open, 20)")``.

    Raises ExpressionError with the column. A condition is no feature: write 1 if ... else 0.
    """
    scope = Scope(features=features or {}).inside(variables or {}, params or {})
    source = source_of(number_of(text, scope), 1)
    values = {p.field: p.value for p in scope.params.values()}
    return output_of(shift(0, of=source)) if isinstance(source, str) else source.build(values)
