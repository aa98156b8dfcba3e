"""Average price of a session, weighted by volume."""

from typing import NamedTuple

from admf_kernels.registry import indicator


class State(NamedTuple):
    """Survives the bar."""

    session: float = 0.0
    value: float = 0.0
    volume: float = 0.0


@indicator(
    state=State,
    inputs={
        "session": "session",
        "high": "high",
        "low": "low",
        "close": "close",
        "volume": "volume",
    },
    warmup_bars=1,
)
def session_vwap(
    s: State, session: float, high: float, low: float, close: float, volume: float
) -> tuple[State, float]:
    """Volume-weighted mean of the typical price since the session began, in price units.

    ``sum((high + low + close) / 3 * volume) / sum(volume)`` over the bars of the session so
    far; the bar's typical price as long as nothing was traded. Needs a calendar
    (`bars.calendar`). Source: the usual definition of VWAP, over bars. First valid bar: 1.
    """
    typical = (high + low + close) / 3.0
    same = session == s.session
    value = (s.value if same else 0.0) + typical * volume
    total = (s.volume if same else 0.0) + volume
    average = value / total if total > 0.0 else typical
    return State(session, value, total), average
