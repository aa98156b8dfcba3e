"""How much history a run needs before its strategy is called."""

from collections.abc import Sequence

from admf_fast.runners.panel_setup import PanelSetup
from admf_fast.runners.setup import Setup
from admf_kernels.contract import Output, Source
from admf_kernels.plan import Plan
from admf_kernels.timeframe import timeframe_ns


def required_warmup_bars(setup: Setup | PanelSetup, timeframes_ns: Sequence[int]) -> int:
    """Return how many bars until the strategy and the engine have all that they read.

    `timeframes_ns` are the lengths of the bars of each instrument. Of what is computed on longer
    bars, it is the most that may be needed; holes in the bars need fewer. Features that remember
    for ever, such as an EMA, differ from those of a longer history even then.
    """
    legs = setup.program(1).legs if isinstance(setup, PanelSetup) else [setup.program(1)]
    return max(
        _bars(leg.plan, source, bar_ns)
        for leg, bar_ns in zip(legs, timeframes_ns, strict=True)
        for source in ("close", *leg.reads.values(), *leg.inputs.values())
    )


def _bars(plan: Plan, source: Source, bar_ns: int) -> int:
    """Return on which bar a source has its first value, at the latest."""
    if isinstance(source, str):
        return 1
    feature = source.feature
    if feature not in plan.held:
        before = max((_bars(plan, s, bar_ns) - 1 for s in feature.sources), default=0)
        return before + feature.indicator.warmup_bars(feature.params)
    longer_ns = timeframe_ns(feature.timeframe)
    inner = Output(feature._replace(timeframe=""), source.place)
    rows = _bars(plan.child(feature.timeframe), inner, longer_ns)
    # The first bucket is dropped, and the last one may close only with the bar after it.
    return (rows + 1) * (longer_ns // bar_ns) + 1
