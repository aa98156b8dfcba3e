"""The page about feeds: every rule, key and counter, and an example that runs as it is printed."""

import re
from pathlib import Path
from typing import get_args

import numpy as np
import pytest

from admf_fast.config import FeedSpec
from admf_fast.data import BarSpec, open_bars
from admf_fast.feeds import LineParser, replay
from admf_fast.feeds.rulings import Counter

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "feeds.md").read_text()
ROWS = re.findall(r"^\| (L\d\d) \|.*\|([^|]*)\|([^|]*)\|$", PAGE, re.MULTILINE)
SOURCE = "".join(path.read_text() for path in (ROOT / "admf_fast" / "feeds").glob("*.py"))
COUNTERS = re.search(r"^Counter = Literal\[.*?^\]", SOURCE, re.MULTILINE | re.DOTALL)[0]


def test_every_fault_has_its_row():
    assert sorted({rule for rule, *_ in ROWS}) == [f"L{n:02}" for n in range(1, 20)]


def test_every_policy_is_on_the_page_with_its_default():
    for key, default in zip(FeedSpec.__struct_fields__, FeedSpec.__struct_defaults__, strict=True):
        assert f"`{key}" in PAGE or f"{key}:" in PAGE, key
        number = f"{default:g}" if isinstance(default, float) else str(default)
        if not key.startswith("warmup"):
            assert f"`{key}: {number}`" in PAGE, key


def test_the_counters_of_the_page_are_those_of_the_guard():
    shown = set(re.findall(r"`(\w+)`", " ".join(counters for *_, counters in ROWS)))
    assert shown | {"", "bar"} == set(get_args(Counter))
    for word in shown:
        assert f'"{word}"' in SOURCE.replace(COUNTERS, ""), word  # each is raised somewhere


def test_the_lines_of_the_page_are_read():
    lines = re.search(r"^```json\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)[1].splitlines()
    parser = LineParser([
        BarSpec(symbol=s, timeframe="1m", stamp="close") for s in ("SAP",)
    ])  # fmt: skip

    assert [type(parser.parse(line.encode())).__name__ for line in lines] == [
        "Delivered", "Delivered", "Heartbeat", "MarketState",
    ]  # fmt: skip


def test_the_example_of_the_page_processes_every_bar(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(ROOT)
    code = re.search(r"^```python\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)[1]
    names: dict = {}
    exec(code, names)
    source = open_bars(BarSpec(path="data/AAPL_1d.parquet", timeframe="1d", stamp="open"))

    assert names["processed"] == list(replay(source.blocks()))
    assert np.diff([bar[0] for bar in names["processed"]]).min() > 0
