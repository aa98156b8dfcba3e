"""Warm-up, determinism and degenerate results: each planted fault is named."""

import json
from dataclasses import replace

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from admf_fast import checks
from admf_fast.checks import determinism, warm_up
from admf_fast.checks.columns import OUTPUTS, Columns, in_blocks
from admf_fast.checks.degenerate import classifier, degenerate, duplicates, variations
from admf_fast.checks.findings import Finding, Report, plural, several
from admf_fast.cli.main import main
from admf_fast.config import config_digest, load_config, parse_config
from admf_fast.data import BarBlock, concat_blocks, open_bars
from admf_fast.runners.setup import prepare
from tests.containers.kit import EXAMPLES, SPEC, block, config_of
from tests.kernels.strategies import quick


def shipped(name):
    config = load_config(EXAMPLES / f"{name}.yaml")
    blocks = open_bars(config.bars, base_dir=EXAMPLES).blocks()
    return prepare(config), concat_blocks(list(blocks))


def flat(*prices: tuple[float, int]) -> BarBlock:
    """Return bars at these prices, so many of each."""
    close = np.repeat([p for p, _ in prices], [n for _, n in prices]).astype(np.float64)
    bars = block(len(close))
    return BarBlock(bars.ts_ns, close, close, close, close, bars.volume)


def by_subject(findings):
    return {f.subject: f for f in findings}


@quick(100)
@given(st.lists(st.tuples(st.integers(0, 1), st.integers(0, 1)), max_size=30))
def test_agreement_is_to_the_end(rows):
    late, whole = (np.array([row[k] for row in rows], np.int64) for k in (0, 1))
    after = [n for n in range(len(rows) + 1) if (late[n:] == whole[n:]).all()]
    expected = None if rows and after[0] == len(rows) else after[0]

    assert warm_up.agrees_after(late, whole) == expected


def test_recursive_averages_forget_their_start_and_windows_at_once():
    setup, bars = shipped("rsi_reversion")
    found = by_subject(warm_up.warm_up(setup, bars))

    assert found["rsi(14)"].status == "ok"
    assert "declared 15 bars, off by up to" in found["rsi(14)"].text
    assert "; the same bits after" in found["rsi(14)"].text
    assert found["signals"].status == "warning"
    assert "15 bars of history, as declared, change" in found["signals"].text


def test_what_a_short_history_changes_is_counted_as_by_hand():
    setup, bars = shipped("rsi_reversion")
    text = by_subject(warm_up.warm_up(setup, bars))["signals"].text
    whole, count = in_blocks(setup, bars).of("signal"), len(bars)
    differ = 0
    for k in range(1, warm_up.STARTS + 1):
        first = count * k // (2 * warm_up.STARTS)
        late = in_blocks(setup, bars.slice(first, count)).of("signal")
        ready = setup.program(1).ready_bars(setup.program(1).reads)
        differ += int((late[ready - 1 :] != whole[first + ready - 1 :]).sum())

    assert f"change {differ:,} of " in text


def test_a_warm_up_that_is_declared_too_short_fails():
    """There is no number yet on a bar on which the strategy is called."""
    names = ("sma(3)", *OUTPUTS)
    bits = np.ones((len(names), 50)).view(np.int64)
    late = bits.copy()
    late[0].view(np.float64)[:4] = np.nan
    start = warm_up.Start(10, Columns(names, late), Columns(names, bits))
    found = warm_up._feature("sma(3)", 3, [start], waits=False)
    fine = warm_up._feature("sma(3)", 5, [start], waits=False)

    assert found.status == "failed"
    assert "declared 3 bars, but 3 bars after a start there is no number yet" in found.text
    assert fine.status == "ok"


def test_values_that_agree_over_another_state_do_not_count():
    names = ("sma(3)", *OUTPUTS)
    bits = np.ones((len(names), 50)).view(np.int64)
    whole = Columns(names, bits, {"sma(3)": b"one"})
    late = Columns(names, bits, {"sma(3)": b"other"})

    assert warm_up._agrees_after("sma(3)", warm_up.Start(10, whole, whole)) == 0
    assert warm_up._agrees_after("sma(3)", warm_up.Start(10, late, whole)) is None


def test_few_bars_are_no_reason_to_fail():
    found = list(warm_up.warm_up(prepare(config_of()), block(8)))

    assert [f.status for f in found] == ["note"]


def test_a_process_that_decides_otherwise_is_named(monkeypatch):
    """As if its surroundings had changed one word of the costs."""
    real = determinism.canonical

    def other(config):
        costs = msgspec.structs.replace(config.costs, fee_bps=config.costs.fee_bps + 2**-40)
        return real(msgspec.structs.replace(config, costs=costs))

    monkeypatch.setattr(determinism, "canonical", other)
    monkeypatch.setattr(determinism, "prove_bars", proof_of)
    monkeypatch.setattr(determinism, "WORLDS", determinism.WORLDS[1:])
    found = list(determinism.determinism(prepare(config_of()), block(300)))

    assert found[-1].subject == "processes"
    assert found[-1].status == "failed"
    assert "hash seed 4711" in found[-1].text
    assert "fills" in found[-1].text
    assert "signals" not in found[-1].text


def proof_of(setup, bars):
    """Return a proof of one run alone, without the ways that take their time."""
    from admf_fast.parity.compare import digests_of
    from admf_fast.parity.proof import Proof
    from admf_fast.parity.ways import one_block

    return Proof(True, len(bars), [], digests_of(one_block(setup, bars)))


def test_a_way_of_running_that_differs_is_named():
    from admf_fast.parity import Difference

    bars = block(50)
    wrong = Difference("live", "orders", 7, int(bars.ts_ns[7]), "lots", "1", "2")
    proof = replace(proof_of(prepare(config_of()), bars), identical=False, difference=wrong)
    found = list(determinism.proven(proof, "bars"))

    assert [(f.subject, f.status) for f in found] == [("live", "failed")]
    assert "orders.lots at bar 7" in found[0].text


def test_no_signal_at_all_fails():
    found = list(degenerate(prepare(config_of()), flat((10.0, 100))))

    assert found[0] == Finding("degenerate", "signals", "failed", found[0].text)
    assert "no signal and no order on 100 bars, 92 of them after the warm-up" in found[0].text


def test_one_signal_for_ever_and_parameters_that_change_nothing_are_named():
    """A single step of the price is above every average, whatever its length."""
    found = by_subject(degenerate(prepare(config_of()), flat((10.0, 60), (20.0, 3))))

    assert "changed once on 63 bars, and never again" in found["signals"].text
    for name in ("parameter fast", "parameter slow"):
        assert found[name].status == "warning"
        assert "changes nothing on these bars, also not as" in found[name].text
    assert "parameters" not in found


def test_always_in_the_market_is_named():
    setup, bars = shipped("buy_and_hold")
    found = by_subject(degenerate(setup, bars))

    assert found["position"].status == "warning"
    assert "in the market on 100" in found["position"].text
    setup, bars = shipped("bracket")
    assert by_subject(degenerate(setup, bars))["position"].status == "ok"


def test_live_parameters_are_not_accused():
    setup, bars = shipped("rsi_reversion")
    found = by_subject(degenerate(setup, bars))

    assert found["parameters"].text == "each changes the result: period, low, middle, high"
    assert not any(name.startswith("parameter ") for name in found)


def test_variations_keep_the_rules_of_the_kernel():
    made = variations(prepare(config_of(fast=3, slow=4)))

    assert {p.fast for p in made["fast"].values()} <= {1, 2}
    assert all(p.slow == 4 for p in made["fast"].values())
    assert all(p.fast == 3 < p.slow for p in made["slow"].values())


@quick(50)
@given(st.dictionaries(st.text("abc", min_size=1, max_size=3), st.sampled_from("xyz"), min_size=1))
def test_lanes_with_one_result_are_found(lanes):
    same = {d for d in lanes.values() if list(lanes.values()).count(d) > 1}
    found = list(duplicates(lanes))

    assert len([f for f in found if f.status == "warning"]) == len(same)
    assert all(f.status == "ok" for f in found) == (not same)


def regimes(**states):
    shipped_ = load_config(EXAMPLES / "regimes.yaml")
    spec = shipped_.strategy.regimes
    changed = tuple(
        msgspec.structs.replace(s, when=states.get(s.name, s.when)) for s in spec.states
    )
    spec = msgspec.structs.replace(spec, states=changed)
    strategy = msgspec.structs.replace(shipped_.strategy, regimes=spec)
    return prepare(msgspec.structs.replace(shipped_, strategy=strategy, bars=SPEC))


@pytest.mark.parametrize(
    ("states", "status", "text"),
    [
        ({"bull": "close < 0", "bear": "close < 0"}, "warning", "stuck in one state: bull 0.0%"),
        ({"bull": "close > 0"}, "warning", "stuck in one state: bull 100.0%"),
        ({"bull": "close < 0", "bear": "close > open"}, "warning", "never in force: bull"),
        ({"bull": "rising(close, 3)", "bear": "falling(close, 3)"}, "ok", "bull"),
    ],
)
def test_a_classifier_that_stays_where_it_is_is_named(states, status, text):
    found = list(classifier(regimes(**states), block(700)))

    assert [f.subject for f in found] == ["regimes"]
    assert found[0].status == status
    assert text in found[0].text


def test_parameters_that_only_strategies_of_regimes_use_are_no_obstacle():
    text = """
bars: {path: bars.parquet, symbol: X, timeframe: 1m, stamp: close}
strategy:
  params: {period: 20, size: 0.5}
  regimes:
    states: [{name: up, when: close > sma(period)}]
    otherwise: down
    use: {up: {signal: size}, down: flat}
direction: short_only
"""
    setup = prepare(parse_config(text, name="x.yaml", format="yaml"))
    bars = block(300)
    close = bars.close
    above = sum(close[k] > close[k - 19 : k + 1].mean() for k in range(19, 300))
    found = list(classifier(setup, bars))

    assert found[0].text == f"up {above / 281:.1%}, down {1 - above / 281:.1%}"


def test_without_regimes_there_is_nothing_to_say():
    assert list(classifier(prepare(config_of()), block(20))) == []


def test_counts_and_lists_read_well():
    assert [plural(n, "bar") for n in (0, 1, 2000)] == ["0 bars", "1 bar", "2,000 bars"]
    assert several("abcdef") == "a, b, c, d and 2 more"
    assert several("ab") == "a, b"


REPORTS = {
    "fine": (["ok", "note"], 0, 0),
    "warned": (["ok", "warning"], 0, 6),
    "failed": (["warning", "failed"], 6, 6),
}


@pytest.mark.parametrize("name", REPORTS)
def test_the_exit_code_says_what_failed(name, monkeypatch, capsys):
    statuses, code, strict = REPORTS[name]
    findings = tuple(Finding("c", f"{k}", s, "x" * 9) for k, s in enumerate(statuses))
    report = Report("r", 9, findings)
    monkeypatch.setattr(checks, "check", lambda config, **more: report)
    path = str(EXAMPLES / "sma_cross.yaml")

    assert main(["check", path]) == code
    assert ("passed" in capsys.readouterr().out) == (code == 0)
    assert main(["check", path, "--strict"]) == strict
    capsys.readouterr()
    assert main(["check", path, "--json"]) == code
    made = json.loads(capsys.readouterr().out)
    assert [f["status"] for f in made["findings"]] == statuses
    assert made["failed"] == (code == 6)


def test_the_command_looks_at_everything(capsys):
    path = EXAMPLES / "sma_cross.yaml"
    assert main(["check", str(path), "--json"]) == 0
    made = json.loads(capsys.readouterr().out)

    assert {f["check"] for f in made["findings"]} == set(checks.CHECKS)
    said = {(f["check"], f["subject"]): f["status"] for f in made["findings"]}
    assert said["determinism", "processes"] == said["determinism", "ways of running"] == "ok"
    assert said["look-ahead", "kernels"] == said["look-ahead", "source"] == "ok"
    # A strategy that is long or short, and never flat.
    assert said["degenerate", "position"] == "warning"
    assert made["bars"] == 3270
    assert made["passed"] is True
    assert config_digest(load_config(path))  # the file is as it was


def test_several_instruments_are_held_to_every_way_of_running(monkeypatch):
    from admf_fast.checks import checking

    config = load_config(EXAMPLES / "portfolio.yaml")
    seen = []
    proof = proof_of(prepare(config_of()), block(40))
    from admf_fast.parity import RunProof

    for identical, status in ((True, "ok"), (False, "failed")):
        runs = [RunProof("live, moment by moment", 40, identical, {}, 0.0)]
        monkeypatch.setattr(checking, "prove_panel", lambda *a, r=runs: replace(proof, runs=r))
        report = checking.check(config, begun=seen.append)
        assert by_subject(report.findings)["kernels"].status == status
    assert seen == ["determinism"] * 2
