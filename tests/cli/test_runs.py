"""`backtest` and `live`: what is printed, what is written, what is compared."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

EXAMPLES = Path(__file__).parents[2] / "examples"
Admf = Callable[..., Any]
# A plan of a rollout is no configuration.
ALL_EXAMPLES = sorted(p for p in EXAMPLES.rglob("*.yaml") if p.name != "plan.yaml")
ALL_EXAMPLES += sorted(EXAMPLES.rglob("*.toml"))
LAYERS = {"signals", "orders", "fills", "trades", "adjustments", "equity", "state", "metrics"}


@pytest.mark.parametrize("example", ALL_EXAMPLES, ids=lambda p: p.stem)
def test_every_example_runs_from_any_folder(admf: Admf, example: Path, tmp_path: Path) -> None:
    ran = admf("backtest", example, "--json")
    assert (ran.code, ran.err) == (0, "")
    found = ran.json
    assert found["parity"]["identical"]
    assert found["parity"]["layers"] == found["layers"]
    assert found["bars"] > 2000
    assert found["metrics"]["orders"] > 0
    assert Path(found["folder"]).parent == Path("runs")
    assert (tmp_path / found["folder"] / "manifest.json").is_file()


def test_there_are_enough_examples() -> None:
    assert len(ALL_EXAMPLES) >= 6
    assert "sma_cross.yaml" in {path.name for path in ALL_EXAMPLES}


def test_backtest_prints_figures_directory_and_the_line_of_the_replay(
    admf: Admf, config: Path, tmp_path: Path
) -> None:
    ran = admf("backtest", config, "--out", "out")
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.startswith("sma_cross(fast=5, slow=20) on SYNTH 1m\n")
    for text in ("2015-01-05T00:00Z", "Return [%]", "Max. Drawdown [%]", "Run directory: out"):
        assert text in ran.out
    assert "Live replay of 3,000 bars, one closed bar at a time: the same bytes" in ran.out
    assert "\x1b" not in ran.out
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_text())
    assert set(manifest["layers"]) == LAYERS


def test_percentages_are_printed_as_per_cent(admf: Admf, config: Path) -> None:
    metrics = admf("backtest", config, "--json").json["metrics"]
    text = admf("backtest", config).out
    shown = dict(line.rsplit(None, 1) for line in text.splitlines()[2:] if "[%]" in line)
    assert shown["Return [%]"] == f"{metrics['total_return'] * 100:,.2f}"
    assert shown["Win Rate [%]"] == f"{metrics['win_rate'] * 100:,.2f}"


def test_a_ratio_says_what_its_returns_are_of(admf: Admf, config: Path) -> None:
    given = config.with_name("given.yaml")
    given.write_text(config.read_text() + "metrics: {periods_per_year: 98280}\n")
    metrics = admf("backtest", given, "--json").json["metrics"]
    shown = dict(line.rsplit(None, 1) for line in admf("backtest", given).out.splitlines() if line)
    year = f"{metrics['daily']['days_per_year']:,.0f}"

    assert metrics["daily"]["days"] < 3000 / 300
    assert shown["Sharpe (98,280 bars/yr)"] == f"{metrics['sharpe']:,.2f}"
    assert shown[f"Sharpe (daily, {year} days/yr)"] == f"{metrics['daily']['sharpe']:,.2f}"
    assert shown["Trades per Session Day"] == f"{metrics['trading']['trades_per_day']:,.2f}"


def test_with_one_bar_a_day_there_is_one_sharpe_ratio(admf: Admf) -> None:
    text = admf("backtest", EXAMPLES / "sma_cross.yaml").out

    assert text.count("Sharpe") == 1
    assert "Sharpe (252 bars/yr)" in text


def test_the_same_run_gives_the_same_object_but_for_the_seconds(admf: Admf, config: Path) -> None:
    def stable(found: dict[str, Any]) -> dict[str, Any]:
        del found["seconds"], found["parity"]["seconds"]
        return found

    first, second = (stable(admf("backtest", config, "--json").json) for _ in range(2))
    assert first == second


def test_a_figure_without_a_meaning_is_a_dash_and_null(admf: Admf) -> None:
    example = EXAMPLES / "buy_and_hold.yaml"
    assert admf("backtest", example, "--json").json["metrics"]["win_rate"] is None
    assert any(
        line.split() == ["Win", "Rate", "[%]", "-"]
        for line in admf("backtest", example).out.splitlines()
    )


def test_no_parity_leaves_the_replay_out(admf: Admf, config: Path) -> None:
    assert "replay" not in admf("backtest", config, "--no-parity").out
    assert admf("backtest", config, "--no-parity", "--json").json["parity"] is None


def test_a_shorter_replay_says_how_much_was_compared(admf: Admf, config: Path) -> None:
    found = admf("backtest", config, "--json", "--parity-bars", 1000).json
    assert (found["parity"]["bars"], found["parity"]["of_bars"]) == (1000, 3000)
    assert found["parity"]["identical"]
    assert found["parity"]["layers"] != found["layers"]
    text = admf("backtest", config, "--parity-bars", 1000).out
    assert "the first 1,000 of 3,000 bars" in text
    assert admf("backtest", config, "--parity-bars", "all", "--json").json["parity"]["bars"] == 3000


def _one_bar_ahead(bars: Iterator[tuple[Any, ...]]) -> Iterator[tuple[Any, ...]]:
    for count, bar in enumerate(bars):
        yield bar if count < 500 else (*bar[:4], bar[2], *bar[5:])


def test_a_live_run_that_differs_is_shown_and_exits_with_6(
    admf: Admf, config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from admf_fast import feeds

    honest = feeds.replay
    monkeypatch.setattr(feeds, "replay", lambda blocks: _one_bar_ahead(honest(blocks)))
    ran = admf("backtest", config)
    assert ran.code == 6
    assert "DIFFERENT" in ran.out
    assert ran.err.startswith("admf: error: run 'live replay' differs first in ")
    ran = admf("backtest", config, "--json")
    assert ran.code == 6
    assert not ran.json["parity"]["identical"]
    assert ran.json["parity"]["difference"]["bar"] >= 500


def test_an_earlier_run_is_replaced(admf: Admf, config: Path, tmp_path: Path) -> None:
    assert admf("backtest", config, "--out", "out").code == 0
    (tmp_path / "out" / "stale.txt").write_text("old")
    assert admf("backtest", config, "--out", "out").code == 0
    assert not (tmp_path / "out" / "stale.txt").exists()


def test_fill_at_the_same_close_says_that_it_is_for_research(admf: Admf, config: Path) -> None:
    config.write_text(config.read_text() + "execution: {fill: same_close}\n")
    assert "for research only" in admf("backtest", config).out


def test_too_few_bars_for_a_signal_are_pointed_out(admf: Admf, config: Path) -> None:
    config.write_text(config.read_text().replace("slow: 20", "slow: 5000"))
    assert "needs 5,000 bars before its first signal" in admf("backtest", config).out


def test_live_prints_every_event_as_a_line(admf: Admf, config: Path, tmp_path: Path) -> None:
    ran = admf("live", config, "--feed", "replay:", "--out", "live")
    assert ran.code == 0
    events = [json.loads(line) for line in ran.out.splitlines()]
    counts = {kind: sum(e["type"] == kind for e in events) for kind in ("SIGNAL", "ORDER", "FILL")}
    for kind, count in counts.items():
        table = pq.read_table(tmp_path / "live" / f"{kind.lower()}s.parquet")
        assert len(table) == count > 0
    assert {e["source"] for e in events} == {"crossing"}
    assert "Run directory: live" in ran.err


def test_live_and_backtest_give_the_same_layers(admf: Admf, config: Path) -> None:
    history = admf("backtest", config, "--no-parity", "--json").json
    live = admf("live", config, "--feed", "replay:", "--json")
    assert (live.code, live.err) == (0, "")
    assert live.json["layers"] == history["layers"]
    assert live.json["mode"] == "live"


def test_a_replayed_path_starts_where_the_user_stands(admf: Admf, config: Path) -> None:
    ran = admf("live", config, "--feed", "replay:inputs/bars.parquet", "--json")
    assert ran.json["bars"] == 3000


def test_a_feed_that_does_not_exist_is_refused(admf: Admf, config: Path) -> None:
    ran = admf("live", config, "--feed", "kafka:topic")
    assert ran.code == 2
    assert "expected replay:PATH, stdin, follow:FILE, unix:PATH or tcp:127.0.0.1:PORT" in ran.err


def test_events_come_out_while_the_feed_is_still_open(
    start: Callable[..., Any], config: Path
) -> None:
    config.write_text(config.read_text() + "metrics: {periods_per_year: 252}\n")
    with start("live", config, "--feed", "stdin") as process:
        _feed(process.stdin, 60)
        event = json.loads(process.stdout.readline())
        assert event["type"] == "SIGNAL"
        assert process.poll() is None
        out, err = process.communicate()
    assert process.returncode == 0, err
    assert all(json.loads(line)["type"] for line in out.splitlines())
    assert "Run directory: runs/crossing-" in err


def _feed(stream: Any, bars: int) -> None:
    for count in range(bars):
        price = 100.0 + (count % 30 if count % 60 < 30 else 30 - count % 30)
        bar = dict.fromkeys(("open", "high", "low", "close"), price)
        ts_ns = 1_700_000_040_000_000_000 + count * 60_000_000_000
        stream.write(json.dumps({"ts": ts_ns, **bar, "volume": 1.0}) + "\n")
    stream.flush()


@pytest.mark.parametrize("spoilt", ["writable by all", "a file"])
def test_a_cache_that_cannot_be_used_is_said_once(
    admf: Admf, config: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, spoilt: str
) -> None:
    folder = tmp_path / "cache"
    if spoilt == "a file":
        folder.write_text("")
    else:
        folder.mkdir()
        folder.chmod(0o777)
    monkeypatch.setenv("ADMF_CACHE_DIR", str(folder))
    ran = admf("backtest", config, "--json")
    assert ran.code == 0
    (line,) = ran.err.splitlines()
    assert line.startswith("admf: warning: there is no cache folder")
    assert line.endswith("ADMF_CACHE_DIR")


def test_a_return_of_few_bars_is_not_scaled_to_a_year(admf: Admf, config: Path) -> None:
    bars = config.parent / "bars.parquet"
    for count, dash in ((29, True), (30, False)):
        pq.write_table(pq.read_table(bars).slice(0, count), bars.with_name("few.parquet"))
        few = config.with_name("few.yaml")
        text = config.read_text().replace("bars.parquet", "few.parquet")
        few.write_text(text.replace("sma_cross, params: {fast: 5, slow: 20}", "buy_and_hold"))
        (line,) = (x for x in admf("backtest", few).out.splitlines() if "Return (Ann.)" in x)
        assert (line.split()[-1] == "-") == dash
        assert admf("backtest", few, "--json").json["metrics"]["annual_return"] is not None
