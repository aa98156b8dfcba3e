"""A market that never was: its bars, and what a feed makes of them on the way."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import NamedTuple

from admf_fast.feeds.replay import Bar
from admf_fast.feeds.rulings import Delivered, Heartbeat, Item, Link, MarketState
from admf_fast.simulator.plan import Plan

SYMBOL = "X"
BAR_NS = 60_000_000_000
SECOND_NS = 1_000_000_000
FIRST_NS = 1_767_225_600_000_000_000  # 2026-01-01T00:00:00Z
TICK = 0.01
NOISE = (b"{", b'{"ts": NaN}', b"\xff\xfe", b"[" * 40, b'{"ts": 1e999, "open": 1}', b'"bar"')


class Delivery(NamedTuple):
    """Something that a feed delivers at a time."""

    at_ns: int
    item: Item


def market_bars(plan: Plan) -> list[Bar]:
    """Return the bars that really closed: a walk with calm and wild stretches, and gaps."""
    random = plan.random("market")
    price, ts_ns, swing = 100.0, FIRST_NS, 0.002
    bars: list[Bar] = []
    for _ in range(plan.bars):
        ts_ns += BAR_NS
        if random.random() < plan.rates.get("gap", 0.0):
            ts_ns += BAR_NS * random.randint(1, 8)
        if random.random() < 0.02:
            swing = random.choice((0.0005, 0.002, 0.01))
        opened = price
        price = max(round(price * (1.0 + random.gauss(0.0, swing)), 2), 1.0)
        high = round(max(opened, price) + TICK * random.randrange(4), 2)
        low = round(max(min(opened, price) - TICK * random.randrange(4), 0.5), 2)
        bars.append((ts_ns, opened, high, low, price, float(random.randrange(1, 1000))))
    return bars


def deliveries(plan: Plan, bars: list[Bar]) -> Iterator[Delivery]:
    """Yield what a feed delivers of the bars, faults of the feed included; in no order."""
    random = plan.random("feed")
    rates, delay_ns = plan.rates, 0
    for number, bar in enumerate(bars):
        noisy = number < plan.quiet_from

        def happens(name: str, noisy: bool = noisy) -> bool:
            return random.random() < rates.get(name, 0.0) and noisy

        at_ns = bar[0] + SECOND_NS // 5 + max(delay_ns, 0)
        delay_ns -= BAR_NS
        if happens("stall"):
            delay_ns = random.randint(1, 6) * BAR_NS
        if happens("in_progress"):
            closing = bar[1] + random.choice((-1, 1)) * TICK
            opened = (bar[0], bar[1], max(bar[1], closing), min(bar[1], closing), closing, 1.0)
            yield Delivery(at_ns - BAR_NS // 2, Delivered(SYMBOL, opened, closed=False))
        if happens("malformed"):
            yield Delivery(at_ns - SECOND_NS, random.choice(NOISE))
        if happens("halt"):
            yield Delivery(at_ns + 1, MarketState(SYMBOL, "halted"))
            yield Delivery(at_ns + random.randint(1, 4) * BAR_NS, MarketState(SYMBOL, "trading"))
        if happens("crazy"):
            factor = random.choice((0.01, 10.0, 100.0))
            bar = _scaled(bar, factor)  # noqa: PLW2901 - from here on it is the feed's bar
        if happens("duplicate"):
            yield Delivery(at_ns + random.randrange(3 * BAR_NS), Delivered(SYMBOL, bar))
        if happens("conflict"):
            other = (*bar[:4], bar[3] if bar[4] != bar[3] else bar[2], bar[5] + 1.0)
            yield Delivery(at_ns + random.randrange(3 * BAR_NS), Delivered(SYMBOL, other))
        if happens("reorder"):
            at_ns += BAR_NS + random.randrange(BAR_NS // 2)
        if happens("late"):
            at_ns += BAR_NS * random.randint(4, 12)
        if not happens("drop"):
            yield Delivery(at_ns, Delivered(SYMBOL, bar))
        yield Delivery(bar[0] + BAR_NS // 2, Heartbeat(bar[0] + BAR_NS // 2))


def _scaled(bar: Bar, factor: float) -> Bar:
    ts_ns, opened, high, low, close, volume = bar
    return (ts_ns, opened * factor, high * factor, low * factor, close * factor, volume)


def outages(plan: Plan, bars: list[Bar]) -> Iterator[tuple[int, int]]:
    """Yield from when to when the connection to the feed is lost."""
    random = plan.random("connection")
    for bar in bars[: plan.quiet_from]:
        if random.random() < plan.rates.get("disconnect", 0.0):
            start_ns = bar[0] + random.randrange(BAR_NS)
            yield start_ns, start_ns + random.randrange(6 * BAR_NS)


def as_line(item: Item) -> Item:
    """Return an item as a line of JSON, where lines can say it."""
    if isinstance(item, Delivered):
        names = ("ts", "open", "high", "low", "close", "volume")
        fields = dict(zip(names, item.bar, strict=True))
        return json.dumps({"symbol": item.symbol, **fields, "closed": item.closed}).encode()
    if isinstance(item, Heartbeat):
        return b'{"type": "heartbeat", "ts": %d}' % item.ts_ns
    if isinstance(item, MarketState):
        return json.dumps({"type": "state", "symbol": item.symbol, "state": item.state}).encode()
    return item


def link(up: bool) -> Link:
    """Return the news that the connection was made or lost."""
    return Link(up, "simulated connection made" if up else "simulated connection lost")
