"""Seeded bars of any number and timeframe, with regimes, gaps and sessions, block by block.

Every bar is valid. The same arguments give the same bytes on every machine and for every block
size: the random bits are Philox, keyed by seed and chunk, and the arithmetic is integers,
`+ - * /` and rounding, without a library function that may round differently elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple

import msgspec
import numpy as np

from admf_fast.data.block import BarBlock, concat_blocks
from admf_fast.data.spec import NS_PER_DAY, BarSpec, check_symbol, parse_range, parse_timeframe
from admf_fast.errors import ConfigError

if TYPE_CHECKING:
    import os

    from numpy.typing import NDArray

_CHUNK_BARS: Final = 4096  # generated at once, whatever the block size
_DRAWS: Final = 6  # of 64 random bits for each bar
_ROW_GROUP_BARS: Final = 32 * _CHUNK_BARS
_YEAR_NS: Final = 365 * NS_PER_DAY
_PRICE_TICKS_MAX: Final = 10**12
# A regime multiplies the spread of returns and adds a drift, in spreads per bar.
_REGIME_SPREAD: Final = np.array([0.6, 0.9, 1.1, 2.2])  # calm, rising, falling, turbulent
_REGIME_DRIFT: Final = np.array([0.0, 0.03, -0.03, 0.0])
_REGIME_VOLUME: Final = np.array([0.7, 1.0, 1.1, 2.5])
_US_OPEN_NS: Final = int(14.5 * 3600) * 10**9
_US_SESSION_NS: Final = int(6.5 * 3600) * 10**9


class SynthSpec(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What to generate.

    Attributes
    ----------
    bars
        How many.
    seed
        0..2**64-1.
    timeframe, symbol
        As in BarSpec.
    start
        ISO time at or after which the first bar opens, on the grid.
    price, price_decimals
        First open, and the decimals of every price (the tick is 10**-price_decimals).
    annual_volatility
        Standard deviation of a year's return, for the mean of the regimes.
    regime_bars
        Mean length of a regime.
    gap_probability, gap_bars_max
        Chance that bars are missing before a bar, and at most how many.
    session
        `always`; `weekdays` (Monday to Friday); `us` (weekdays, 14:30 to 21:00 UTC).
    block_bars
        Bars in each block; changes nothing else.
    """

    bars: int
    seed: int = 0
    timeframe: str = "1m"
    symbol: str = "SYNTH"
    start: str = "2015-01-05"
    price: float = 100.0
    price_decimals: int = 2
    annual_volatility: float = 0.25
    regime_bars: int = 2000
    gap_probability: float = 0.0
    gap_bars_max: int = 60
    session: Literal["always", "weekdays", "us"] = "always"
    block_bars: int = 16_384


class _Carry(NamedTuple):
    """What one chunk hands to the next."""

    close_ticks: int
    regime: int
    slot: int


def synth_blocks(spec: SynthSpec) -> Iterator[BarBlock]:
    """Yield the bars of `spec` in blocks of `block_bars` (the last one may be shorter).

    Memory is bounded by one block. Raises ConfigError when `spec` makes no sense.
    """
    check_synth(spec)
    calendar = _Calendar(spec)
    carry = _Carry(round(spec.price * 10**spec.price_decimals), 0, -1)
    pending: list[BarBlock] = []
    pending_bars = 0
    for chunk in range(-(-spec.bars // _CHUNK_BARS)):
        bars, carry = _chunk(spec, calendar, chunk, carry)
        bars = bars.slice(0, spec.bars - chunk * _CHUNK_BARS)
        pending.append(bars)
        pending_bars += len(bars)
        while pending_bars >= spec.block_bars:
            block, pending = _cut(pending, spec.block_bars)
            pending_bars -= spec.block_bars
            yield block
    if pending_bars:
        yield _cut(pending, pending_bars)[0]


def write_synth(spec: SynthSpec, path: str | os.PathLike[str]) -> int:
    """Write the bars of `spec` as one Parquet file, whole or not at all; return their number.

    Columns timestamp (UTC, the open), open, high, low, close, volume; pages carry checksums, and
    the schema's metadata declares stamp, timeframe and symbol. StateError if it cannot be written.
    """
    import pyarrow.parquet as pq

    from admf_fast.atomic import atomic_file
    from admf_fast.data.store import bars_schema, to_batch, writer_options

    source = f"admf synth seed={spec.seed}"
    declared = BarSpec(timeframe=spec.timeframe, stamp="open")
    schema = bars_schema(declared, spec.symbol, source)
    shift_ns = parse_timeframe(spec.timeframe)
    whole = msgspec.structs.replace(spec, block_bars=_ROW_GROUP_BARS)
    with (
        atomic_file(path) as temporary,
        pq.ParquetWriter(temporary, schema, **writer_options()) as writer,
    ):
        for block in synth_blocks(whole):
            writer.write_batch(to_batch(block, schema, shift_ns), row_group_size=_ROW_GROUP_BARS)
    return spec.bars


def check_synth(spec: SynthSpec) -> None:
    """Raise ConfigError when `spec` makes no sense."""
    check_symbol(spec.symbol)
    timeframe_ns = parse_timeframe(spec.timeframe)
    parse_range(BarSpec(start=spec.start))
    limits = (
        ("bars", spec.bars, 0, 10**10),
        ("seed", spec.seed, 0, 2**64 - 1),
        ("price_decimals", spec.price_decimals, 0, 9),
        ("price", spec.price * 10**spec.price_decimals, 1, _PRICE_TICKS_MAX // 1000),
        ("annual_volatility", spec.annual_volatility, 0, 10),
        ("regime_bars", spec.regime_bars, 1, 10**9),
        ("gap_probability", spec.gap_probability, 0, 1),
        ("gap_bars_max", spec.gap_bars_max, 1, 10**6),
        ("block_bars", spec.block_bars, 1, 10**7),
    )
    for name, value, low, high in limits:
        if not low <= value <= high:
            raise ConfigError(f"synth.{name}: expected {low} to {high}, found {value}")
    if spec.session != "always" and timeframe_ns > NS_PER_DAY:
        raise ConfigError(f"synth.session: {spec.session} needs a timeframe of at most 1d")


class _Calendar:
    """Maps the n-th possible bar to the time it opens."""

    def __init__(self, spec: SynthSpec) -> None:
        self._timeframe_ns = parse_timeframe(spec.timeframe)
        start_ns = parse_range(BarSpec(start=spec.start))[0]
        self._always = spec.session == "always"
        self._start_ns = -(-start_ns // self._timeframe_ns) * self._timeframe_ns
        # 1970-01-05 was a Monday.
        day = -(-start_ns // NS_PER_DAY) - 4
        self._first_weekday = day // 7 * 5 + min(day % 7, 5)
        session_ns = _US_SESSION_NS if spec.session == "us" else NS_PER_DAY
        self._session_bars = max(1, session_ns // self._timeframe_ns)
        intraday = self._timeframe_ns < NS_PER_DAY
        self._offset_ns = _US_OPEN_NS if spec.session == "us" and intraday else 0

    def opens_ns(self, slots: NDArray[np.int64]) -> NDArray[np.int64]:
        if self._always:
            return self._start_ns + slots * self._timeframe_ns
        days, bars = np.divmod(slots, self._session_bars)
        weeks, weekdays = np.divmod(days + self._first_weekday, 5)
        midnight_ns = (weeks * 7 + weekdays + 4) * NS_PER_DAY
        opens_ns: NDArray[np.int64] = midnight_ns + self._offset_ns + bars * self._timeframe_ns
        return opens_ns


def _chunk(
    spec: SynthSpec, calendar: _Calendar, chunk: int, carry: _Carry
) -> tuple[BarBlock, _Carry]:
    draws = np.random.Philox(key=spec.seed, counter=chunk << 64).random_raw(_DRAWS * _CHUNK_BARS)
    returns, wicks, volumes, regimes, gaps, sides = draws.reshape(_DRAWS, _CHUNK_BARS)
    regime = _regimes(spec, regimes, carry.regime)
    spread = _REGIME_SPREAD[regime] * _bar_volatility(spec)
    close = _closes(spec, carry.close_ticks, returns, regime, spread)
    open_ = np.concatenate(([carry.close_ticks], close[:-1]))
    # Opens differ from the close before by at most a tick; wicks by up to one spread.
    open_ = np.maximum(open_ + ((sides % 8 == 0).astype(np.int64) - (sides % 8 == 1)), 1)
    reach = np.maximum(open_, close) * spread
    up = np.rint(_uniform(wicks >> 32, 32) * reach).astype(np.int64)
    down = np.rint(_uniform(wicks & 0xFFFF_FFFF, 32) * reach).astype(np.int64)
    high = np.maximum(open_, close) + up
    low = np.maximum(np.minimum(open_, close) - down, 1)
    slots = carry.slot + np.cumsum(1 + _gap_bars(spec, gaps))
    ts_ns = calendar.opens_ns(slots) + parse_timeframe(spec.timeframe)
    amount = np.rint(_uniform(volumes >> 32, 32) * _uniform(volumes & 0xFFFF_FFFF, 32) * 4000)
    volume = np.rint((100 + amount) * _REGIME_VOLUME[regime])
    ticks_per_unit = 10.0**spec.price_decimals
    # A quotient of integers is the double nearest to the decimal price.
    bars = BarBlock(
        ts_ns,
        open_ / ticks_per_unit,
        high / ticks_per_unit,
        low / ticks_per_unit,
        close / ticks_per_unit,
        volume,
    )
    return bars, _Carry(int(close[-1]), int(regime[-1]), int(slots[-1]))


def _uniform(bits: NDArray[Any], count: int) -> NDArray[np.float64]:
    """Return integers below 2**count as floats in [0, 1), exactly."""
    scaled: NDArray[np.float64] = bits.astype(np.float64) * 2.0**-count
    return scaled


def _bar_volatility(spec: SynthSpec) -> float:
    # sqrt is correctly rounded everywhere.
    return spec.annual_volatility * float(np.sqrt(parse_timeframe(spec.timeframe) / _YEAR_NS))


def _regimes(spec: SynthSpec, bits: NDArray[np.uint64], regime: int) -> NDArray[np.int64]:
    """Return the state of a Markov chain at each bar: it leaves with 1/regime_bars."""
    leaves = _uniform(bits >> 32, 32) < 1.0 / spec.regime_bars
    steps = np.where(leaves, 1 + (bits % 3).astype(np.int64), 0)
    chain: NDArray[np.int64] = (regime + np.cumsum(steps)) % len(_REGIME_SPREAD)
    return chain


def _gap_bars(spec: SynthSpec, bits: NDArray[np.uint64]) -> NDArray[np.int64]:
    missing = _uniform(bits >> 32, 32) < spec.gap_probability
    return np.where(missing, 1 + (bits & 0xFFFF_FFFF).astype(np.int64) % spec.gap_bars_max, 0)


def _closes(
    spec: SynthSpec,
    close_ticks: int,
    bits: NDArray[np.uint64],
    regime: NDArray[np.int64],
    spread: NDArray[np.float64],
) -> NDArray[np.int64]:
    """Return a random walk of closes in ticks, at least 1, drawn softly towards the first price."""
    pieces = [_uniform((bits >> shift) & 0xFFFF, 16) for shift in (0, 16, 32, 48)]
    # Four uniforms add up to nearly a normal variable, of variance 1/3.
    normal = ((pieces[0] + pieces[1]) + (pieces[2] + pieces[3]) - 2.0) * float(np.sqrt(3.0))
    ratio = close_ticks / (spec.price * 10**spec.price_decimals)
    volatility = _bar_volatility(spec)
    pull = min(volatility * volatility, 1e-4) * (1.0 - ratio) / (1.0 + ratio)
    change = np.clip(spread * (normal + _REGIME_DRIFT[regime]) + pull, -0.5, 0.5)
    # Accumulation multiplies in order, one bar after the other.
    walk = close_ticks * np.multiply.accumulate(1.0 + change)
    ticks: NDArray[np.int64] = np.clip(np.rint(walk), 1, _PRICE_TICKS_MAX).astype(np.int64)
    return ticks


def _cut(blocks: list[BarBlock], bars: int) -> tuple[BarBlock, list[BarBlock]]:
    """Return the first `bars` bars as one block, and the blocks of the rest."""
    whole = concat_blocks(blocks)
    return whole.slice(0, bars), [whole.slice(bars, len(whole))]
