"""The written mapping of `vectorbt` is the peer: every fill to the bit, trades to rounding."""

from collections.abc import Iterator
from dataclasses import fields, replace

import numpy as np
import pytest

from tests.peers.bars import google
from tests.peers.cases_vectorbt import (
    ORDER_FAMILIES,
    SIGNAL_FAMILIES,
    OrderCase,
    SignalCase,
    order_case,
    signal_case,
)
from tests.peers.kinds import PeerResult, PeerTrade
from tests.peers.model_vectorbt import Model

pytest.importorskip("vectorbt", reason="vectorbt comes with requirements/peers.txt")

from tests.peers.peer_vectorbt import run_orders, run_signals

SEEDS = range(8)
RELATIVE, CENTS = 1e-9, 1e-7
FAMILIES = [*SIGNAL_FAMILIES, *ORDER_FAMILIES]


def _case(name: str, seed: int) -> SignalCase | OrderCase:
    return (signal_case if name in SIGNAL_FAMILIES else order_case)(name, seed)


def _both(case: SignalCase | OrderCase) -> tuple[PeerResult, PeerResult]:
    model = Model(case.bars, case.rules)
    if isinstance(case, SignalCase):
        return model.run_signals(case.signals), run_signals(case.bars, case.signals, case.rules)
    return model.run_orders(case.sizes), run_orders(case.bars, case.sizes, case.rules)


def _assert_trades(model: list[PeerTrade], peer: list[PeerTrade]) -> None:
    assert [(t.entry_bar, t.exit_bar, t.column) for t in model] == [
        (t.entry_bar, t.exit_bar, t.column) for t in peer
    ]
    np.testing.assert_allclose(
        np.array([t[2:7] for t in model]), np.array([t[2:7] for t in peer]), RELATIVE, CENTS
    )


def _assert_same(model: PeerResult, peer: PeerResult) -> None:
    assert model.fills == peer.fills
    _assert_trades(model.trades, peer.trades)
    _assert_trades(model.open_trades, peer.open_trades)
    np.testing.assert_allclose(model.equity, peer.equity, RELATIVE, CENTS)
    np.testing.assert_allclose(model.final_equity, peer.final_equity, RELATIVE, CENTS)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("name", FAMILIES)
def test_the_model_is_the_peer(name, seed):
    _assert_same(*_both(_case(name, seed)))


@pytest.mark.parametrize("name", FAMILIES)
def test_a_family_trades(name):
    trades = [len(_both(_case(name, seed))[1].trades) for seed in SEEDS]

    assert sum(trades) >= 3 * len(SEEDS)


@pytest.mark.parametrize("name", [n for n, (_, c, _r) in SIGNAL_FAMILIES.items() if c == 1])
def test_the_model_is_the_peer_on_google(name):
    _assert_same(*_both(signal_case(name, 3, [google()])))


def _other_rules(name: str) -> Iterator[tuple[str, SignalCase]]:
    case = signal_case(name, 3)
    for field in fields(case.rules):
        value = getattr(case.rules, field.name)
        if isinstance(value, float) and np.isfinite(value) and value > 0:
            yield field.name, replace(case, rules=replace(case.rules, **{field.name: value * 1.01}))
    yield "price", replace(case, rules=replace(case.rules, price="open"))


@pytest.mark.parametrize(
    "what", ["fees", "fixed_fees", "slippage", "sl_stop", "tp_stop", "size", "price"]
)
def test_a_rule_changed_and_the_model_is_not_the_peer(what):
    case = signal_case("both_stops", 3)
    other = dict(_other_rules("both_stops"))[what]

    peer = run_signals(case.bars, case.signals, case.rules)
    model = Model(other.bars, other.rules).run_signals(other.signals)

    assert model.fills != peer.fills
