"""L19 in the whole process: history with orders off, the overlap compared, then the feed."""

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from admf_fast.errors import DataError
from admf_fast.feeds.feed import Feed
from admf_fast.feeds.rulings import Delivered
from admf_fast.journal.messages import BarInput, Ended, Note, Outcome
from admf_fast.journal.reading import read_journal
from admf_fast.live import process as process_module
from admf_fast.live import service
from admf_fast.live.core import LiveCore
from admf_fast.live.service import serve
from admf_fast.live.verifying import verify
from tests.live.kit import CONFIG, bar_inputs, config_of

COUNT, HISTORY, OVERLAP = 40, 20, 3
COLUMNS = ("open", "high", "low", "close", "volume")
ROWS = [(b.ts_ns, *(getattr(b, c) for c in COLUMNS)) for b in bar_inputs(COUNT, seed=11)]


@pytest.fixture
def config(tmp_path):
    """A configuration whose bars.path holds the first bars of the market."""
    columns = dict(zip(("timestamp", *COLUMNS), zip(*ROWS[:HISTORY], strict=True), strict=True))
    times = pa.array(columns.pop("timestamp")).cast(pa.timestamp("ns", "UTC"))
    path = tmp_path / "history.parquet"
    pq.write_table(pa.table({"timestamp": times} | columns), path)
    text = CONFIG.replace("bars.parquet", str(path)).replace(
        "stamp: close", "stamp: close, off_grid: keep"
    )
    feed = f"feed: {{warmup: all, overlap_bars: {OVERLAP}, implausible: keep, repeated_bars: 0}}\n"
    return config_of(feed, text)


class Delivery(Feed):
    """Delivers bars, one at a poll."""

    realtime = False

    def __init__(self, specs, rows):
        super().__init__(specs)
        self.left = list(rows)

    def poll(self, timeout_s):
        return [Delivered("X", self.left.pop(0))] if self.left else None


def served(config, folder, monkeypatch, rows):
    monkeypatch.setattr(service, "open_feed", lambda _, specs, **__: Delivery(specs, rows))
    return serve(config, "follow:bars", folder)


def messages(folder, kind):
    return [m for _, m in read_journal(str(folder / "journal")) if isinstance(m, kind)]


def expected(config):
    """Return what a core makes of the history, warm, and of the bars after it."""
    core = LiveCore(service.with_mode(service.prepare(config)))
    bars = bar_inputs(COUNT, seed=11)
    inputs = [BarInput(**{**_fields(b), "warm": k < HISTORY}) for k, b in enumerate(bars)]
    return [core.apply(bar, 0).outcome for bar in inputs], core


def _fields(bar):
    return {name: getattr(bar, name) for name in bar.__struct_fields__}


def checksums(outcomes):
    return [(o.checksum, o.events, o.last_event) for o in outcomes]


def test_l19_history_is_taken_warm_and_the_feed_goes_on_at_the_exact_bar(
    config, tmp_path, monkeypatch
):
    run = tmp_path / "run"
    ended = served(config, run, monkeypatch, ROWS[HISTORY - OVERLAP :])
    bars = messages(run, BarInput)
    outcomes, core = expected(config)

    assert ended.ending.status == "ended"
    assert [(b.ts_ns, b.close) for b in bars] == [(row[0], row[4]) for row in ROWS]
    assert [b.warm for b in bars] == [k < HISTORY for k in range(COUNT)]
    assert checksums(messages(run, Outcome)) == checksums(outcomes)
    assert core.runner.program.values()["q"].lots != 0, "there was something to trade"
    told = [n.text for n in messages(run, Note) if n.rule == "L19"]
    assert len(told) == 1
    assert f"handed over: {OVERLAP} bars of history and feed compared" in told[0]
    assert ended.counts["duplicate"] == OVERLAP
    assert verify(run).divergence is None


@pytest.mark.parametrize(("first", "change", "told"), [
    (HISTORY - OVERLAP + 1, 1.0, "expected at least feed.overlap_bars, 3: the feed starts too la"),
    (HISTORY - OVERLAP, 1.0 + 2**-52, "the feed differs from the history: close"),
])  # fmt: skip
def test_l19_too_little_overlap_or_one_ulp_in_it_is_refused_before_any_live_bar(
    config, tmp_path, monkeypatch, first, change, told
):
    rows = ROWS[first:]
    rows[0] = (*rows[0][:4], rows[0][4] * change, rows[0][5])
    with pytest.raises(DataError, match="L19: .*" + told):
        served(config, tmp_path / "run", monkeypatch, rows)
    bars = messages(tmp_path / "run", BarInput)
    assert len(bars) == HISTORY
    assert all(bar.warm for bar in bars)
    assert messages(tmp_path / "run", Ended)[-1].status == "failed"


@pytest.mark.parametrize("taken", [1, 7, HISTORY])
def test_l19_a_warm_up_that_was_cut_off_goes_on_where_it_was(config, tmp_path, monkeypatch, taken):
    run, count = tmp_path / "run", 0
    take = process_module.LiveProcess._take

    def cut(process, symbol, bar, *, warm=False):
        nonlocal count
        take(process, symbol, bar, warm=warm)
        count += 1
        if count == taken:
            process._signals.stopping = "SIGTERM"

    monkeypatch.setattr(process_module.LiveProcess, "_take", cut)
    assert served(config, run, monkeypatch, []).ending.status == "stopped"
    assert len(messages(run, BarInput)) == taken
    monkeypatch.setattr(process_module.LiveProcess, "_take", take)
    assert served(config, run, monkeypatch, ROWS[HISTORY - OVERLAP :]).ending.status == "ended"
    assert checksums(messages(run, Outcome)) == checksums(expected(config)[0])


def test_l19_a_restart_after_the_hand_over_needs_neither_history_nor_overlap(
    config, tmp_path, monkeypatch
):
    run, history = tmp_path / "run", tmp_path / "history.parquet"
    served(config, run, monkeypatch, ROWS[HISTORY - OVERLAP : 30])
    history.unlink()
    served(config, run, monkeypatch, ROWS[30:])
    assert checksums(messages(run, Outcome)) == checksums(expected(config)[0])
