"""A guard with times of its own, and bars that are told apart by their close."""

from collections.abc import Callable, Sequence
from typing import Any

from msgspec.structs import replace

from admf_fast.calendars import load_calendar
from admf_fast.config import FeedSpec
from admf_fast.data import BarSpec
from admf_fast.feeds import Bar, Delivered, FeedGuard, Item, Ruling

MINUTE_NS = 60_000_000_000
S = 1_000_000_000
START_NS = 28_401_120 * MINUTE_NS  # 2024-01-01T00:00Z, a whole minute
QUIET = FeedSpec(move_percent=0.0, volume_factor=0.0, repeated_bars=0)


def bar(minute: int, close: float = 100.0, *, volume: float = 9.0) -> Bar:
    """A flat bar that closes so many minutes after the start."""
    return (START_NS + minute * MINUTE_NS, close, close, close, close, volume)


class Kit:
    """A guard for minute bars, and a clock that stands still unless it is moved."""

    def __init__(
        self, symbols: Sequence[str] = ("",), *, calendar: str = "24/7", timeframe: str = "1m",
        realtime: bool = False, base: FeedSpec = QUIET, bars: dict[str, Any] | None = None,
        **policies: Any,
    ) -> None:  # fmt: skip
        specs = [
            BarSpec(symbol=s, timeframe=timeframe, stamp="close", calendar=calendar, **(bars or {}))
            for s in symbols
        ]
        clocks = [load_calendar(calendar).clock if calendar else None for _ in symbols]
        self.guard = FeedGuard(specs, replace(base, **policies), clocks, realtime=realtime)
        self.now_ns, self.monotonic_ns = START_NS, 5 * S
        self.rulings: list[Ruling] = []

    def call(self, method: Callable[..., list[Ruling]], *item: Item) -> list[Ruling]:
        made = method(*item, self.now_ns, self.monotonic_ns)
        self.rulings += made
        return made

    def take(self, item: Item) -> list[Ruling]:
        return self.call(self.guard.take, item)

    def give(self, *bars: Bar, symbol: str = "", closed: bool = True) -> list[Ruling]:
        """Deliver bars; return all rulings."""
        name = symbol or self.guard.symbols[0]
        return [r for b in bars for r in self.take(Delivered(name, b, closed))]

    def minutes(self, *minutes: int, symbol: str = "") -> list[Ruling]:
        return self.give(*(bar(m) for m in minutes), symbol=symbol)

    def wait(self, seconds: float, *, jump_s: float = 0.0) -> list[Ruling]:
        """Let time pass, and tick once."""
        self.monotonic_ns += round(seconds * S)
        self.now_ns += round((seconds + jump_s) * S)
        return self.call(self.guard.tick)

    def finish(self) -> list[Ruling]:
        return self.call(self.guard.finish)

    @property
    def processed(self) -> list[int]:
        """The minutes of all bars that were processed."""
        return [(b[0] - START_NS) // MINUTE_NS for b in self.bars]

    @property
    def bars(self) -> list[Bar]:
        return [r.bar for r in self.rulings if r.action == "process" and r.bar]

    def said(self, rule: str) -> list[str]:
        """What was ruled under an id, without bars."""
        return [r.action for r in self.rulings if r.rule == rule]


def actions(rulings: Sequence[Ruling]) -> list[tuple[str, str]]:
    return [(r.action, r.rule) for r in rulings]
