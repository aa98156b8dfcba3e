"""Ichimoku cloud."""

from typing import Annotated, Any, NamedTuple

from admf_kernels.contract import Between
from admf_kernels.indicators.donchian import donchian
from admf_kernels.registry import bundle, indicator

LINES = ("tenkan", "kijun", "senkou_a", "senkou_b")


class Params(NamedTuple):
    """What the user sets."""

    tenkan: Annotated[int, Between(1, 100_000)] = 9
    kijun: Annotated[int, Between(1, 100_000)] = 26
    senkou: Annotated[int, Between(1, 100_000)] = 52


@indicator(
    inputs={"turning": "close", "base": "open", "slow": "high"}, outputs=LINES, warmup_bars=1
)
def ichimoku_lines(turning: float, base: float, slow: float) -> tuple[float, float, float, float]:
    """Three inputs as tenkan, kijun and senkou_b; senkou_a is the mean of the first two.

    In the unit of the inputs. A building block of `ichimoku`. First valid bar: 1.
    """
    return turning, base, 0.5 * turning + 0.5 * base, slow


@bundle(params=Params, inputs={"high": "high", "low": "low"}, outputs=LINES)
def ichimoku(p: Params, high: Any, low: Any) -> Any:
    """Ichimoku: middles of three channels, and the mean of the first two, in price units.

    ``tenkan``, ``kijun`` and ``senkou_b`` are ``donchian(n).middle`` over their periods,
    ``senkou_a = (tenkan + kijun) / 2``. As computed on this bar, not shifted: the cloud that
    is drawn here is ``shift(26, of=ichimoku().senkou_a)``. Source: Goichi Hosoda. First
    valid bar: the longest period.
    """
    middles = [donchian(n, of=(high, low)).middle for n in (p.tenkan, p.kijun, p.senkou)]
    return ichimoku_lines(of=middles)
