"""Chande momentum oscillator."""

from admf_kernels.contract import lag
from admf_kernels.indicators.rsi import STILL, Constants, Params, State, averaged, prepare
from admf_kernels.numeric import select
from admf_kernels.registry import indicator


@indicator(
    params=Params,
    state=State,
    prepare=prepare,
    inputs={"value": "close", "previous": lag("value", 1)},
    warmup_bars=lambda p: p.period + 1,
)
def cmo(c: Constants, s: State, bars: int, value: float, previous: float) -> tuple[State, float]:
    """Rises less falls by all moves, -100 to 100, by Wilder's averages.

    ``100 * (up - down) / (up + down)``; 0 where nothing moves. Averaged and seeded like
    `rsi`; Chande himself takes plain sums. Source: TA-Lib CMO. First valid bar:
    ``period + 1``.
    """
    moved = averaged(c, s, bars, value, previous)
    moves = moved.up + moved.down
    still = moves < STILL
    return moved, select(still, 0.0, 100.0 * (moved.up - moved.down) / select(still, 1.0, moves))
