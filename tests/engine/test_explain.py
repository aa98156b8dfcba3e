"""Every fill of any run follows a rule of the page, and every trade adds up."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from admf_fast.config import Config, parse_config
from admf_fast.data import SynthSpec, write_synth
from admf_fast.explain import chain_lines, explain_trades, open_run, refused_orders
from admf_fast.explain.rulings import RULES
from admf_fast.jobs import backtest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with 1,500 one-minute bars."""
    made = tmp_path_factory.mktemp("explain")
    write_synth(SynthSpec(bars=1500, seed=11), made / "bars.parquet")
    return made


def _config(folder: Path, text: dict[str, Any]) -> Config:
    head = {
        "bars": {
            "path": "bars.parquet",
            "timeframe": "1m",
            "stamp": "open",
            **(
                {"calendar": "24/7"}
                if text.get("entry", {}).get("order") == "market_on_close"
                else {}
            ),
        },
        "instrument": {"tick_size": 0.01},
        "strategy": {"kernel": "sma_cross", "params": {"fast": 5, "slow": 20}},
    }
    given_ = json.dumps({**head, **text})
    return parse_config(given_, name="any.yaml", format="yaml", base_dir=str(folder))


def _ticks(low: int, high: int) -> st.SearchStrategy[dict[str, float]]:
    return st.integers(low, high).map(lambda k: {"ticks": float(k)})


ENTRIES: tuple[Any, ...] = (
    {"order": "market"},
    {"order": "market_on_open"},
    {"order": "market_on_close"},
    {"order": "limit", "limit": {"ticks": 5}},
    {"order": "stop", "stop": {"ticks": 5}},
    {"order": "stop_limit", "stop": {"ticks": 4}, "limit": {"ticks": 2}},
    {"order": "stop_limit", "stop": {"ticks": 4}, "limit": {"ticks": -2}},
)


@st.composite
def configurations(draw: st.DrawFn) -> dict[str, Any]:
    """Entries, exits, rules of matching and costs of every kind."""
    exits: dict[str, Any] = {"memory": draw(st.sampled_from(("all", "none")))}
    if draw(st.booleans()):
        exits["stop_loss"] = draw(_ticks(3, 30))
    if draw(st.booleans()):
        exits["take_profit"] = [{"ticks": 8, "part": 50}, {"ticks": 25, "part": 30}]
    if draw(st.booleans()):
        follow = draw(st.sampled_from(("close", "high_low")))
        start = draw(st.sampled_from((0, 4)))
        exits["trailing_stop"] = {**draw(_ticks(3, 20)), "start": start, "follow": follow}
    if draw(st.booleans()):
        exits["break_even"] = {"ticks": 5, "offset": 1}
    return {
        "entry": draw(st.sampled_from(ENTRIES)),
        "exits": exits,
        "execution": {
            "fill": draw(st.sampled_from(("next_open", "same_close"))),
            "both_hit": draw(st.sampled_from(("stop_first", "target_first", "nearest_open"))),
            "entry_bar": draw(st.sampled_from(("pessimistic", "next_bar"))),
            "limit_fill": draw(st.sampled_from(("cross", "touch"))),
            **draw(st.sampled_from(({}, {"max_volume_percent": 5}))),
        },
        "costs": {
            "fee_bps": 2,
            "slippage_ticks": draw(st.sampled_from((0, 1))),
            "impact_percent": draw(st.sampled_from((0, 10))),
        },
        "risk": draw(st.sampled_from(({}, {"max_position_percent": 40}))),
        "sizing": draw(st.sampled_from(({"kind": "all_in"}, {"kind": "percent", "percent": 30}))),
    }


@settings(
    max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(text=configurations())
def test_every_fill_follows_a_rule_and_every_trade_adds_up(
    folder: Path, text: dict[str, Any]
) -> None:
    backtest(_config(folder, text), out=folder / "run")
    run = open_run(folder / "run")
    chains = explain_trades(run, base=folder)

    assert len(chains) == len(run.events["trades"])
    for chain in chains:
        assert chain.missing == [], "\n".join(chain_lines(chain))
        result = chain.result
        assert result.gross - result.fees == result.pnl == chain.trade["pnl"]
        assert all(step.rule in RULES for step in chain.steps if step.what == "fill")
    refused, missing = refused_orders(run, base=folder)
    assert missing == []
    assert all(r.event["status"] in ("denied", "rejected") for r in refused)


def test_the_page_has_every_rule() -> None:
    page = (ROOT / "docs" / "execution.md").read_text()
    assert [rule for rule in RULES if f"| {rule} |" not in page] == []


def test_moves_of_the_stop_lead_to_the_level_at_the_exit(folder: Path) -> None:
    text = {"exits": {"trailing_stop": {"ticks": 10}}, "costs": {"fee_bps": 2}}
    backtest(_config(folder, text), out=folder / "run")
    chains = explain_trades(open_run(folder / "run"), base=folder)
    left = [c for c in chains if c.trade["reason"] == "trailing_stop"]
    assert left
    for chain in left:
        side = 1.0 if chain.trade["lots"] > 0 else -1.0
        stops = [s.event["stop"] * side for s in chain.steps if s.what == "level"]
        assert stops == sorted(stops)
        last = chain.steps[[s.what for s in chain.steps].index("fill") + 1 :]
        exit_ = next(s for s in reversed(last) if s.what == "fill")
        if exit_.rule == "stop" and stops:
            assert exit_.price_before == stops[-1] * side
