"""Our engine is `backtesting`, trade for trade and cent for cent, where docs/peers.md says so."""

from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from tests.peers import ours
from tests.peers.bars import google
from tests.peers.cases_backtesting import FAMILIES, Case, case
from tests.peers.compare import Apart, apart, assert_same
from tests.peers.examples_backtesting import EXAMPLES, example_frame
from tests.peers.examples_ours import PAIRS
from tests.peers.kinds import PeerResult
from tests.peers.ours_backtesting import comparable, how_far, run_ours, watched
from tests.peers.peer_backtesting import record, run_backtesting, run_strategy

SEEDS = range(12)
ROOT = Path(__file__).parents[2]
NAMES = {"exclusive_orders": "exclusive", "trade_on_close": "on_close"}
# Of the trades of a family, the least that must be left to compare; 0.9 where nothing is said.
LEFT = {
    "limit_brackets": 0.6,
    "stop": 0.7,
    "stop_brackets": 0.6,
    "stop_limit": 0.4,
    "stop_limit_brackets": 0.3,
    "mixed": 0.7,
}


def _both(drawn: Case) -> tuple[PeerResult, PeerResult]:
    return run_ours(drawn), run_backtesting(drawn.bars, drawn.told, **drawn.options)


@pytest.mark.parametrize("name", FAMILIES)
def test_every_trade_is_the_peers(name):
    total, first, out = Apart(), 0, Counter[str]()
    for seed in SEEDS:
        whole = case(name, seed)
        drawn, found = comparable(whole)
        found_ours, peer = _both(drawn)
        out += found
        first += len(watched(whole.bars, whole.told, whole.options)[1].trades)
        if (peer.equity > 0).all():  # ruin ends the run of the peer
            total |= how_far(drawn, found_ours, peer)
        else:
            out["ruin"] += 1

    assert_same(total)
    assert name.startswith("netting") or total.trades > LEFT.get(name, 0.9) * first
    page = (ROOT / "docs" / "peers.md").read_text(encoding="utf-8")
    assert all(f"| {difference} |" in page for difference in out)


@pytest.mark.parametrize("name", FAMILIES)
def test_every_trade_is_the_peers_on_google(name):
    drawn, _ = comparable(case(name, 1, google()))

    found, peer = _both(drawn)

    if (peer.equity > 0).all():
        assert_same(how_far(drawn, found, peer))


@pytest.mark.parametrize("name", EXAMPLES)
def test_a_recorded_example_comes_out_the_same(name):
    kind, given = EXAMPLES[name]
    told, _ = record(example_frame(), kind, **given)
    commission = given.get("commission", 0.0)
    commission = commission if isinstance(commission, tuple) else (0.0, commission)
    named = {NAMES.get(k, k): v for k, v in given.items()}
    options = {"exclusive": False, "cash": 10_000.0, **named, "commission": commission}
    drawn, out = comparable(Case(google(), told, options, only_flat=True))

    found, peer = _both(drawn)

    assert not out
    assert len(peer.trades) > 3
    assert_same(how_far(drawn, found, peer))


@pytest.mark.parametrize("name", PAIRS)
def test_a_strategy_of_ours_is_the_example(name):
    kind, options, config = PAIRS[name]
    peer = run_strategy(example_frame(), kind, cash=10_000, **options)
    setup = ours.setup_of(config)

    found = ours.as_peer(setup, ours.run(setup, google()), google())

    assert len(peer.trades) > 70
    quiet = np.ones(len(peer.equity), np.bool_)
    if options.get("trade_on_close"):  # the peer books a fill at the close on the next bar
        quiet[[fill.bar for fill in found.fills]] = False
    assert_same(apart(found.trades, peer.trades, found.equity[quiet], peer.equity[quiet]))
    assert found.final_equity == pytest.approx(peer.final_equity, abs=1e-6)
