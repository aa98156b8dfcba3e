"""The monitor of a live run counts what the run did, alerts its notes, and goes on at a restart."""

import json

from admf_fast.live import service
from admf_fast.live.service import serve
from tests.live.kit import CONFIG, bar_inputs, config_of
from tests.live.test_process import Steps

BARS = [tuple(getattr(b, n) for n in ("ts_ns", "open", "high", "low", "close", "volume"))
        for b in bar_inputs(40, seed=3)]  # fmt: skip
LIVE = "feed: {implausible: keep, repeated_bars: 0, warmup: none, off_session: keep}\n"


def test_the_monitor_counts_what_is_served_and_what_is_served_after_a_restart(
    tmp_path, monkeypatch
):
    text = CONFIG.replace("stamp: close", "stamp: close, off_grid: keep")
    counted = []
    for first, last in ((0, 20), (20, 40)):
        feed = Steps(BARS[first:last])
        feed.instruments = (config_of(LIVE, text).bars,)
        monkeypatch.setattr(service, "open_feed", lambda *_, feed=feed, **__: feed)
        monkeypatch.setattr(service, "write_tables", lambda *_: None)
        served = serve(config_of(LIVE, text), "follow:bars", tmp_path / "run")
        state = json.loads((tmp_path / "run" / "monitor.json").read_text())
        counted.append((served.bars, state["tally"]["last_ts_ns"], state["tally"]["sequence"]))
    assert [(bars, times) for bars, times, _ in counted] == [
        (20, {"X": BARS[19][0]}), (40, {"X": BARS[39][0]}),
    ]  # fmt: skip
    assert 0 < counted[0][2] < counted[1][2]
