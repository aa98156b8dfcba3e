"""The written mapping of `backtesting` is the peer: every trade and the equity, to the bit."""

from dataclasses import replace
from typing import Any

import pytest

from tests.peers.bars import google
from tests.peers.cases_backtesting import FAMILIES, case
from tests.peers.examples_backtesting import EXAMPLES, example_frame
from tests.peers.kinds import Bars, Instructions, PeerResult
from tests.peers.model_backtesting import Model
from tests.peers.peer_backtesting import record, run_backtesting

SEEDS = range(12)
NAMES = {"exclusive_orders": "exclusive", "trade_on_close": "on_close"}


def _model(bars: Bars, told: Instructions, options: dict[str, Any]) -> PeerResult:
    rest = {k: v for k, v in options.items() if k != "commission"}
    given = options.get("commission", 0.0)
    fixed, relative = given if isinstance(given, tuple) else (0.0, given)
    return Model(bars, told, fixed=fixed, relative=relative, **rest).run()


def _assert_same(model: PeerResult, peer: PeerResult) -> None:
    assert model.trades == peer.trades
    assert model.open_trades == peer.open_trades
    assert model.equity.tobytes() == peer.equity.tobytes()


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("name", FAMILIES)
def test_the_model_is_the_peer(name, seed):
    drawn = case(name, seed)

    peer = run_backtesting(drawn.bars, drawn.told, **drawn.options)

    _assert_same(_model(drawn.bars, drawn.told, drawn.options), peer)


@pytest.mark.parametrize("name", FAMILIES)
def test_a_family_trades(name):
    drawn = [case(name, seed) for seed in SEEDS]

    trades = [len(run_backtesting(d.bars, d.told, **d.options).trades) for d in drawn]

    assert sum(trades) >= 5 * len(SEEDS)


@pytest.mark.parametrize("name", FAMILIES)
def test_the_model_is_the_peer_on_google(name):
    drawn = case(name, 1, google())

    peer = run_backtesting(drawn.bars, drawn.told, **drawn.options)

    _assert_same(_model(drawn.bars, drawn.told, drawn.options), peer)


@pytest.mark.parametrize("name", EXAMPLES)
def test_a_recorded_example_comes_out_the_same_when_told(name):
    kind, given = EXAMPLES[name]
    told, recorded = record(example_frame(), kind, **given)
    options = {"exclusive": False, **{NAMES.get(k, k): v for k, v in given.items()}}

    again = run_backtesting(google(), told, **options)

    assert len(recorded.trades) > 3
    _assert_same(again, recorded)
    _assert_same(_model(google(), told, options), recorded)


@pytest.mark.parametrize("what", ["tp", "sl", "cancel", "move_sl", "stop", "limit"])
def test_a_rule_less_and_the_model_is_not_the_peer(what):
    def differs(seed: int) -> bool:
        drawn = case("mixed", seed)
        peer = run_backtesting(drawn.bars, drawn.told, **drawn.options)
        nothing = getattr(Instructions.nothing(len(drawn.bars)), what)
        less = replace(drawn.told, **{what: nothing})
        return _model(drawn.bars, less, drawn.options).trades != peer.trades

    assert any(differs(seed) for seed in SEEDS)
