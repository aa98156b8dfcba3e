"""Money flow index."""

from typing import Annotated, Any, NamedTuple

from admf_kernels.contract import Between, lag, window
from admf_kernels.indicators.sums import RENEW_WINDOWS, is_lost, larger
from admf_kernels.indicators.typical_price import typical_price
from admf_kernels.numeric import Window, at, select
from admf_kernels.registry import composite, indicator

# Moves below this share of the value count as none: whole cents give typical prices that are
# equal but for the last digit. TA-Lib does likewise.
STILL = 1e-14


class Params(NamedTuple):
    """What the user sets."""

    period: Annotated[int, Between(1, 100_000)] = 14


class Flows(NamedTuple):
    """Sums over the last `period` bars, in money."""

    up: float = 0.0
    down: float = 0.0
    largest: float = 0.0  # of their sum since both were last taken afresh


def rise_of(value: float, previous: float, volume: float) -> float:
    """Return value times volume where the value rose, else 0."""
    return select(value - previous > STILL * abs(previous), value * volume, 0.0)


def fall_of(value: float, previous: float, volume: float) -> float:
    """Return value times volume where the value fell, else 0."""
    return select(previous - value > STILL * abs(previous), value * volume, 0.0)


def window_flows(values: Window, volumes: Window, period: int) -> Flows:
    """Return the sums over the last `period` bars, oldest first."""
    up = 0.0
    down = 0.0
    for back in range(period - 1, -1, -1):
        value = at(values, back)
        before = at(values, back + 1)
        volume = at(volumes, back)
        up += rise_of(value, before, volume)
        down += fall_of(value, before, volume)
    return Flows(up, down, up + down)


@indicator(
    params=Params,
    state=Flows,
    inputs={
        "value": "close",
        "volume": "volume",
        "previous": lag("value", 1),
        "leaving": lag("value", "period"),
        "before_leaving": lag("value", lambda p: p.period + 1),
        "volume_leaving": lag("volume", "period"),
        "values": window("value", lambda p: p.period + 1),
        "volumes": window("volume", "period"),
    },
    warmup_bars=lambda p: p.period + 1,
    renew_bars=lambda p: RENEW_WINDOWS * p.period,
)
def money_flow_index(
    c: Params,
    s: Flows,
    bars: int,
    renew: bool,
    value: float,
    volume: float,
    previous: float,
    leaving: float,
    before_leaving: float,
    volume_leaving: float,
    values: Window,
    volumes: Window,
) -> tuple[Flows, float]:
    """Share of the money that changed hands on rises, 0 to 100, by one price.

    A building block of `mfi`. First valid bar: ``period + 1``.
    """
    if bars == 1:
        return s, 0.0
    up = s.up + rise_of(value, previous, volume)
    down = s.down + fall_of(value, previous, volume)
    if bars > c.period + 1:
        up -= rise_of(leaving, before_leaving, volume_leaving)
        down -= fall_of(leaving, before_leaving, volume_leaving)
    moved = Flows(up, down, larger(s.largest, up + down))
    if renew or is_lost(up + down, moved.largest):
        moved = window_flows(values, volumes, c.period)
    total = moved.up + moved.down
    still = total == 0.0
    return moved, select(still, 0.0, 100.0 * moved.up / select(still, 1.0, total))


@composite(
    params=Params,
    inputs={"high": "high", "low": "low", "close": "close", "volume": "volume"},
)
def mfi(p: Params, high: Any, low: Any, close: Any, volume: Any) -> Any:
    """Money flow index: the strength index of typical price times volume, 0 to 100.

    ``100 * up / (up + down)``, the sums over `period` bars of ``typical_price * volume`` on
    bars where the typical price rose and fell; 0 where it never moved or nothing was traded.
    A move in the last digit counts as none. Source: TA-Lib MFI (which gives 0 for less than
    1 of money). First valid bar: ``period + 1``.
    """
    return money_flow_index(p.period, of=(typical_price(of=(high, low, close)), volume))
