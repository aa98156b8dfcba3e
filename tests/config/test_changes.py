"""What differs between two configurations, and what that changes of a run."""

import json

import pytest

from admf_fast.cli.main import main
from admf_fast.config import MISSING, Change, changes, config_digest, load_config, parse_config

HEAD = "bars: {path: a.parquet, timeframe: 1m, stamp: close}\n"
BASE = HEAD + "strategy: {kernel: sma_cross, params: {fast: 3, slow: 9}}\n"


def parsed(text: str):
    return parse_config(text, name="x.yaml", format="yaml")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (BASE + "# a comment\n", []),
        (BASE + "account: {cash: 100000}\n", []),
        (BASE.replace("fast: 3", "fast: 3.0"), []),
        (BASE.replace("fast: 3", "fast: 4"), [("strategy.params.fast", 3, 4, "decisions")]),
        (BASE.replace(", slow: 9", ""), [("strategy.params.slow", 9, MISSING, "decisions")]),
        (BASE + "name: other\n", [("name", "x", "other", "figures")]),
        (
            BASE + "metrics: {risk_free: 0.5}\ncosts: {fee_bps: 1}\n",
            [("costs.fee_bps", 0.0, 1.0, "decisions"), ("metrics.risk_free", 0.0, 0.5, "figures")],
        ),
    ],
)  # fmt: skip
def test_every_key_that_differs_is_named(text, expected):
    found = changes(parsed(BASE), parsed(text))

    assert sorted(found) == sorted(Change(*change) for change in expected)
    back = changes(parsed(text), parsed(BASE))
    assert sorted(c.key for c in back) == sorted(c.key for c in found)


def test_lists_differ_item_by_item():
    target = "exits: {take_profit: [{percent: 1, part: 50}, {percent: %s, part: 50}]}\n"
    found = changes(parsed(BASE + target % 2), parsed(BASE + target % 3))

    assert [c.key for c in found] == ["exits.take_profit[1].percent"]


@pytest.fixture
def files(tmp_path):
    """Write two configurations and return their paths."""
    paths = [tmp_path / "a.yaml", tmp_path / "b.yaml"]
    paths[0].write_text("name: one\n" + BASE)
    paths[1].write_text("name: one\n" + BASE.replace("slow: 9", "slow: 12"))
    return paths


def test_hash_is_the_digest_of_runs(files, capsys):
    assert main(["config", "hash", str(files[0])]) == 0
    printed = capsys.readouterr().out
    assert printed.strip() == config_digest(load_config(files[0]))
    assert main(["config", "hash", str(files[0]), "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"name": "one", "digest": printed.strip()}


def test_diff_names_keys_values_and_what_they_change(files, capsys):
    assert main(["config", "diff", *map(str, files)]) == 0
    text = capsys.readouterr().out
    assert "strategy.params.slow  9  12  decisions" in text
    assert "1 key differs: it may change what the run decides" in text
    assert main(["config", "diff", *map(str, files), "--json"]) == 0
    made = json.loads(capsys.readouterr().out)
    change = {"key": "strategy.params.slow", "old": 9, "new": 12, "touches": "decisions"}
    assert made["changes"] == [change]
    assert made["changes_decisions"] is True
    assert made["digests"] == [config_digest(load_config(path)) for path in files]


def test_what_is_left_out_counts_as_its_default(files, capsys):
    """The digests are of what is written, so they differ; no key does."""
    text = files[0].read_text()
    files[0].write_text(text.replace(", params: {fast: 3, slow: 9}", ""))
    main(["config", "show", str(files[0]), "--json"])
    params = json.loads(capsys.readouterr().out)["config"]["strategy"]["params"]
    files[1].write_text(text.replace("{fast: 3, slow: 9}", json.dumps(params)))
    assert main(["config", "diff", *map(str, files), "--json"]) == 0
    made = json.loads(capsys.readouterr().out)

    assert made["changes"] == []
    assert made["changes_decisions"] is False
    assert made["digests"][0] != made["digests"][1]
    assert main(["config", "diff", *map(str, files)]) == 0
    assert "as written" in capsys.readouterr().out
