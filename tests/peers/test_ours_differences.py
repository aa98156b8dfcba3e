"""The differences that docs/peers.md decides to keep, each on a few bars: the peer, and us."""

from dataclasses import fields, replace
from typing import Any

import numpy as np
import pytest

from tests.peers import ours_vectorbt
from tests.peers.cases_backtesting import Case
from tests.peers.cases_vectorbt import OrderCase, SignalCase
from tests.peers.kinds import Bars, Instructions, PeerFill, PeerResult
from tests.peers.model_vectorbt import Model
from tests.peers.ours_backtesting import comparable, run_ours
from tests.peers.peer_backtesting import run_backtesting
from tests.peers.vectorbt_rules import Rules, Signals

FLAT = (100.0, 100.0, 100.0, 100.0)
UP = (104.0, 106.0, 103.0, 105.0)
OPTIONS: dict[str, Any] = {"cash": 10_000.0, "commission": (0.0, 0.0)}


def _bars(*rows: tuple[float, float, float, float]) -> Bars:
    return Bars(*np.array(rows).T)


def _told(bars: Bars, *orders: dict[str, float], **options: Any) -> Case:
    """Return a case of orders given on bar 1 and after; a market order of one unit says `size`."""
    told = Instructions.nothing(len(bars))
    for bar, order in enumerate(orders, start=1):
        for name, value in order.items():
            getattr(told, name)[bar] = value
    return Case(bars, told, {**OPTIONS, **options})


def _fills(result: PeerResult) -> list[tuple[int, float, float]]:
    """Return bar, units and price of what was filled, from trades where there are no fills."""
    if result.fills:
        return [(f.bar, f.units, f.price) for f in result.fills]
    opened = [(t.entry_bar, t.units, t.entry_price) for t in result.trades + result.open_trades]
    closed = [(t.exit_bar, -t.units, t.exit_price) for t in result.trades]
    return sorted(opened + closed, key=lambda fill: fill[0])


# Name of the difference: the case; what the peer fills, and what we do.
BACKTESTING = {
    "stop on the wrong side": (
        _told(_bars(FLAT, FLAT, FLAT), {"size": 1.0, "stop": 99.0}),
        [(2, 1.0, 100.0)],
        [],
    ),
    "stop-limit with a gap": (
        _told(_bars(FLAT, FLAT, UP), {"size": 1.0, "stop": 102.0, "limit": 105.0}),
        [(2, 1.0, 102.0)],
        [(2, 1.0, 104.0)],
    ),
    "stop-limit that comes back": (
        _told(
            _bars(FLAT, FLAT, (100.0, 103.0, 99.0, 99.5), UP),
            {"size": 1.0, "stop": 102.0, "limit": 101.0},
        ),
        [],
        [(2, 1.0, 101.0)],
    ),
    "stop and limit at one price": (
        _told(
            _bars(FLAT, FLAT, (100.0, 103.0, 99.0, 103.0), UP),
            {"size": 1.0, "stop": 102.0, "limit": 102.0},
        ),
        [],
        [(2, 1.0, 102.0)],
    ),
    "resting order filled at the open": (
        _told(
            _bars(FLAT, FLAT, (97.0, 97.0, 94.0, 96.0), (96.0,) * 4),
            {"size": 1.0, "limit": 98.0, "sl": 95.0},
        ),
        [(2, 1.0, 97.0)],
        [(2, 1.0, 97.0), (2, -1.0, 95.0)],
    ),
    "target passed at the open": (
        _told(
            _bars(FLAT, FLAT, FLAT, (104.0, 106.0, 94.0, 95.0)),
            {"size": 1.0, "sl": 95.0, "tp": 103.0},
        ),
        [(2, 1.0, 100.0), (3, -1.0, 95.0)],
        [(2, 1.0, 100.0), (3, -1.0, 104.0)],
    ),
    "part closed and stop at one open": (
        _told(
            _bars(FLAT, FLAT, FLAT, (90.0,) * 4),
            {"size": 10.0, "sl": 95.0},
            {"close": 0.5},
            commission=(1.0, 0.0),
        ),
        [(2, 5.0, 100.0), (2, 5.0, 100.0), (3, -5.0, 90.0), (3, -5.0, 90.0)],
        [(2, 10.0, 100.0), (3, -10.0, 90.0)],
    ),
    "limit with slippage": (
        _told(
            _bars(FLAT, FLAT, FLAT, (100.0, 100.0, 97.0, 99.0)),
            {"size": 1.0, "limit": 98.0},
            spread=0.01,
        ),
        [(3, 1.0, 98.98)],
        [(3, 1.0, 98.0)],
    ),
    "short without money": (
        _told(_bars(FLAT, FLAT, FLAT), {"size": -101.0}),
        [],
        [(2, -101.0, 100.0)],
    ),
    "fee without the spread": (
        _told(_bars(FLAT, FLAT, FLAT), {"size": 97.0}, spread=0.02, commission=(0.0, 0.0108)),
        [(2, 97.0, 102.0)],
        [],
    ),
    "order at the last close": (
        _told(_bars(FLAT, FLAT, FLAT), {}, {"size": 1.0}, on_close=True),
        [],
        [(2, 1.0, 100.0)],
    ),
    "turning order with slippage": (
        _told(
            _bars(FLAT, FLAT, FLAT, FLAT),
            {"size": 1.0},
            {"size": -2.0},
            spread=0.01,
            exclusive=False,
        ),
        [(2, 1.0, 101.0), (3, -1.0, 99.0), (3, -1.0, 100.0)],
        [(2, 1.0, 101.0), (3, -2.0, 99.0)],
    ),
    "margin by the close to come": (
        _told(
            _bars(FLAT, FLAT, FLAT, (100.0, 150.0, 100.0, 150.0)),
            {"size": 60.0},
            {"size": 50.0},
            exclusive=False,
            margin=0.5,
        ),
        [(2, 60.0, 100.0), (3, 50.0, 100.0)],
        [(2, 60.0, 100.0), (3, 50.0, 100.0)],
    ),
}


@pytest.mark.parametrize("name", BACKTESTING)
def test_backtesting_and_us(name):
    case, theirs, our = BACKTESTING[name]

    peer = run_backtesting(case.bars, case.told, **case.options)

    assert _fills(peer) == [(b, u, pytest.approx(p, rel=1e-12)) for b, u, p in theirs]
    assert _fills(run_ours(case)) == [(b, u, pytest.approx(p, rel=1e-12)) for b, u, p in our]


@pytest.mark.parametrize("name", [n for n in BACKTESTING if "margin" not in n])
def test_what_is_left_out_has_the_name_of_its_difference(name):
    _, out = comparable(BACKTESTING[name][0])

    assert out == {name: 1}


def _signals(*rows: Any, told: dict[str, list[int]], **rules: Any) -> SignalCase:
    signals = Signals.nothing(len(rows))
    for name, where in told.items():
        getattr(signals, name)[where] = True
    return SignalCase([_bars(*rows)], signals, replace(Rules(size=10.0), **rules))


def _orders(*rows: Any, sizes: list[float], **rules: Any) -> OrderCase:
    return OrderCase([_bars(*rows)], np.array(sizes)[:, None], Rules(**rules))


DOWN = (100.0, 101.0, 94.0, 96.0)
VECTORBT = {
    "stop before a signal at the open": (
        _signals(
            FLAT,
            FLAT,
            DOWN,
            FLAT,
            told={"long_entry": [1], "long_exit": [2]},
            sl_stop=0.05,
            price="open",
        ),
        [(1, 10.0, 100.0), (2, -10.0, 95.0)],
        [(1, 10.0, 100.0), (2, -10.0, 100.0)],
    ),
    "target passed at the open": (
        _signals(
            FLAT,
            FLAT,
            (104.0, 106.0, 94.0, 95.0),
            told={"long_entry": [0]},
            sl_stop=0.05,
            tp_stop=0.03,
        ),
        [(0, 10.0, 100.0), (2, -10.0, 95.0)],
        [(0, 10.0, 100.0), (2, -10.0, 104.0)],
    ),
    "signal at the first open": (
        _signals(FLAT, FLAT, told={"long_entry": [0]}, price="open"),
        [(0, 10.0, 100.0)],
        [],
    ),
    "target with slippage": (
        _signals(
            FLAT,
            (100.0, 104.0, 100.0, 104.0),
            told={"long_entry": [0]},
            tp_stop=0.03,
            slippage=0.01,
            stop_exit_price="stopmarket",
        ),
        [(0, 10.0, 101.0), (1, -10.0, 101.97)],
        [(0, 10.0, 101.0), (1, -10.0, 103.0)],
    ),
    "sale for less than its fee": (
        _orders(FLAT, FLAT, sizes=[2.0, -1.0], fixed_fees=150.0),
        [(0, 2.0, 100.0)],
        [(0, 2.0, 100.0), (1, -1.0, 100.0)],
    ),
    "refused entry told again at once": (
        _signals((200.0,) * 4, FLAT, told={"long_entry": [0, 1]}, size=90.0, allow_partial=False),
        [(1, 90.0, 100.0)],
        [],
    ),
    "target percent with costs": (
        _orders(FLAT, FLAT, sizes=[0.5, np.nan], size_type="targetpercent", fees=0.01),
        [(0, 50.0, 100.0)],
        [(0, 5_000.0 / 101.0, 100.0)],
    ),
    "sales first": (
        OrderCase(
            [_bars(FLAT, FLAT)] * 2,
            np.array([[np.nan, 100.0], [50.0, -60.0]]),
            Rules(cash_sharing=True, call_seq="auto"),
        ),
        [(0, 100.0, 100.0), (1, -60.0, 100.0), (1, 50.0, 100.0)],
        [(0, 100.0, 100.0), (1, -60.0, 100.0)],
    ),
}


@pytest.mark.parametrize("name", VECTORBT)
def test_vectorbt_and_us(name):
    case, theirs, our = VECTORBT[name]
    model = Model(case.bars, case.rules)
    if isinstance(case, SignalCase):
        peer, found = model.run_signals(case.signals), ours_vectorbt.run_signals(case)
        _, out = ours_vectorbt.comparable(case)
    else:
        peer, found = model.run_orders(case.sizes), ours_vectorbt.run_orders(case)
        _, out = ours_vectorbt.comparable_orders(case)

    assert _near(peer.fills) == theirs
    assert _near(found.fills) == [(b, round(u, 8), p) for b, u, p in our]
    assert out == {name: 1}


def _near(fills: list[PeerFill]) -> list[tuple[int, float, float]]:
    return [(f.bar, round(f.units, 8), round(f.price, 8)) for f in fills]


def test_no_field_of_the_instructions_is_forgotten():
    assert {f.name for f in fields(Instructions)} == {
        *("size", "limit", "stop", "sl", "tp", "close", "move_sl", "cancel")
    }
