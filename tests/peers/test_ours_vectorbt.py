"""Our engine is `vectorbt`, trade for trade and cent for cent, where docs/peers.md says so."""

from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from tests.peers import ours_vectorbt as ours
from tests.peers.bars import google
from tests.peers.cases_vectorbt import (
    ORDER_FAMILIES,
    SIGNAL_FAMILIES,
    OrderCase,
    SignalCase,
    order_case,
    signal_case,
)
from tests.peers.compare import Apart, apart, assert_same
from tests.peers.kinds import Bars, PeerResult
from tests.peers.model_vectorbt import Model
from tests.peers.told import SIGNALS
from tests.peers.vectorbt_rules import Signals

pytest.importorskip("vectorbt", reason="vectorbt comes with requirements/peers.txt")

from tests.peers.peer_vectorbt import run_orders, run_signals

SEEDS = range(8)
PRICE = 1e-10  # an average of lots, each 1e-10 units from those of the peer
UNITS = 1e-8
ROOT = Path(__file__).parents[2]
FAMILIES = [n for n in (*SIGNAL_FAMILIES, *ORDER_FAMILIES) if n not in ours.LEFT_OUT]
ONE_COLUMN = [n for n in FAMILIES if {**SIGNAL_FAMILIES, **ORDER_FAMILIES}[n][1] == 1]


def _case(
    name: str, seed: int, bars: list[Bars] | None = None, *, cash: float = 10_000.0
) -> tuple[SignalCase | OrderCase, Counter[str]]:
    if name in SIGNAL_FAMILIES:
        case = signal_case(name, seed, bars)
        return ours.comparable(replace(case, rules=replace(case.rules, cash=cash)))
    orders = order_case(name, seed, bars)
    return ours.comparable_orders(replace(orders, rules=replace(orders.rules, cash=cash)))


def _both(case: SignalCase | OrderCase) -> tuple[PeerResult, PeerResult]:
    if isinstance(case, SignalCase):
        return ours.run_signals(case), run_signals(case.bars, case.signals, case.rules)
    return ours.run_orders(case), run_orders(case.bars, case.sizes, case.rules)


def _compared(case: SignalCase | OrderCase) -> Apart:
    found, peer = _both(case)
    a, b = (sorted(side.fills, key=lambda f: (f.bar, f.column)) for side in (found, peer))
    assert [(f.bar, f.column) for f in a] == [(f.bar, f.column) for f in b]
    if case.rules.cash_sharing:  # those of positions that stay open, too
        assert max(abs(x.units - y.units) for x, y in zip(a, b, strict=True)) <= UNITS
        assert max(abs(x.price / y.price - 1) for x, y in zip(a, b, strict=True)) <= PRICE
    return apart(found.trades, peer.trades, found.equity, peer.equity)


@pytest.mark.parametrize("name", FAMILIES)
def test_every_trade_is_the_peers(name):
    total, out = Apart(), Counter[str]()
    for seed in SEEDS:
        case, found = _case(name, seed)
        out += found
        if (_both(case)[1].equity > 0).all():
            total |= _compared(case)
        else:
            out["shorts that cannot be covered"] += 1

    assert_same(total, price=PRICE)
    assert total.trades >= 5 * len(SEEDS)
    page = (ROOT / "docs" / "peers.md").read_text(encoding="utf-8")
    assert all(f"| {difference} |" in page for difference in out)


@pytest.mark.parametrize("name", ONE_COLUMN)
def test_every_trade_is_the_peers_on_google(name):
    case, _ = _case(name, 3, [google()], cash=1e6)

    total = _compared(case)

    assert_same(total, price=PRICE)
    assert total.trades > 20


@pytest.mark.parametrize("name", ours.LEFT_OUT)
def test_what_is_left_out_is_a_family(name):
    assert name in {**SIGNAL_FAMILIES, **ORDER_FAMILIES}


def test_a_rule_changed_and_our_engine_is_not_the_peer():
    case, _ = _case("both_stops", 3)
    other, _ = _case("trailing", 3)
    wrong = SignalCase(case.bars, case.signals, other.rules)

    assert (
        ours.run_signals(wrong).fills
        != Model(case.bars, case.rules).run_signals(case.signals).fills
    )


def _turned(case: SignalCase) -> SignalCase:
    flags = (getattr(case.signals, name)[:, ::-1] for name in SIGNALS)
    return SignalCase(case.bars[::-1], Signals(*flags), case.rules)


def test_with_the_columns_the_other_way_round_our_panel_is_not_the_peer():
    apart_in = 0
    for seed in SEEDS:
        case, _ = _case("shared", seed)
        found, peer = ours.run_signals(_turned(case)), ours.run_signals(case)

        back = sorted((f.bar, 2 - f.column, f.units) for f in found.fills)
        apart_in += back != sorted((f.bar, f.column, f.units) for f in peer.fills)
    assert apart_in >= 2
