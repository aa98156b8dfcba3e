"""Digest, YAML and schema: equal meaning gives equal bytes, and what is written reads back."""

import json
import string
import subprocess
import sys

import jsonschema
import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from admf_fast.config import (
    canonical,
    config_digest,
    contents,
    json_schema,
    load_config,
    parse_config,
    to_yaml,
    validate,
)
from admf_fast.errors import ConfigError
from tests.config.any_config import CONFIGS, TEXTS

YAML = """\
name: x
bars: {path: a.parquet, timeframe: 1d, stamp: open}
strategy: {kernel: sma_cross, params: {fast: 10, slow: 30.5, flag: true}}
account: {cash: 100000}
"""
TOML = """\
name = "x"
account.cash = 100_000.0
[strategy]
params = { slow = 3.05e1, flag = true, fast = 10 }
kernel = "sma_cross"
[bars]
stamp = "open"
timeframe = "1d"
path = "a.parquet"
"""


def parse(text, format="yaml"):
    return parse_config(text, name=f"x.{format}", format=format)


def to_toml(data):
    """TOML by JSON's rules: keys and texts quoted, one inline value a line."""

    def text(value):
        if isinstance(value, dict):
            return (
                "{" + ", ".join(f"{text(key)} = {text(item)}" for key, item in value.items()) + "}"
            )
        if isinstance(value, list):
            return "[" + ", ".join(map(text, value)) + "]"
        if isinstance(value, str):
            return json.dumps(value, ensure_ascii=False)
        return json.dumps(value)

    return "".join(f"{text(key)} = {text(value)}\n" for key, value in data.items())


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(CONFIGS)
def test_what_is_written_reads_back_with_the_same_digest(config):
    digest = config_digest(config)
    assert config_digest(validate(config)) == digest
    assert config_digest(parse(to_yaml(config))) == digest
    assert config_digest(parse(canonical(config).decode())) == digest
    assert config_digest(parse(to_toml(contents(config)), "toml")) == digest


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(CONFIGS)
def test_the_schema_accepts_every_valid_config(config):
    jsonschema.Draft202012Validator(json_schema()).validate(json.loads(canonical(config)))
    jsonschema.Draft202012Validator(json_schema()).validate(
        json.loads(json.dumps(contents(config)))
    )


@settings(max_examples=300, deadline=None)
@given(
    st.binary(max_size=200)
    | st.text(max_size=200).map(lambda text: text.encode("utf-8", "replace"))
)
def test_g01_g02_any_bytes_give_a_config_or_a_config_error(tmp_path_factory, content):
    folder = tmp_path_factory.getbasetemp()
    for suffix in ("yaml", "toml"):
        path = folder / f"any.{suffix}"
        path.write_bytes(content)
        with pytest.raises(ConfigError):
            load_config(path)


MUTATIONS = st.lists(
    st.tuples(
        st.integers(0, 400),
        st.integers(0, 5),
        st.text(string.printable, max_size=3)
        | TEXTS
        | st.sampled_from(["\n  ", "\n- ", "[[", "= "]),
    ),
    min_size=1,
    max_size=4,
)


@settings(max_examples=500, deadline=None)
@given(st.sampled_from(((YAML, "yaml"), (TOML, "toml"))), MUTATIONS)
def test_g01_g02_mutated_texts_give_a_config_or_a_config_error(source, mutations):
    text, format = source
    for at, cut, insert in mutations:
        text = text[:at] + insert + text[at + cut :]
    try:
        config = parse(text, format)
    except ConfigError as error:
        assert str(error).startswith(f"x.{format}")  # noqa: PT017
    else:
        assert config_digest(parse(to_yaml(config))) == config_digest(config)


def test_equal_meaning_gives_equal_bytes():
    digest = config_digest(parse(YAML))
    assert config_digest(parse(TOML, "toml")) == digest
    assert config_digest(parse(YAML.replace("100000", "1e5"))) == digest
    assert config_digest(parse(YAML.replace("fast: 10,", "fast: 10.0,"))) == digest
    assert config_digest(parse(YAML + "direction: long_short\ncosts: {fee_bps: -0.0}\n")) == digest


@pytest.mark.parametrize(
    "change",
    [
        "direction: long_only\n",
        "sizing: {kind: percent, percent: 100}\n",
        "costs: {fee_bps: 5e-324}\n",
        "costs: {maker_bps: 0}\n",
        "exits: {memory: none}\n",
        "risk: {max_orders_per_day: 9}\n",
        "instrument: {tick_size: 0.01}\n",
    ],
)
def test_g06_a_change_of_meaning_changes_the_digest(change):
    assert config_digest(parse(YAML + change)) != config_digest(parse(YAML))


def test_true_is_not_one():
    assert config_digest(parse(YAML.replace("true", "1"))) != config_digest(parse(YAML))


def test_how_a_run_is_operated_is_no_part_of_its_meaning():
    operated = parse(YAML + "feed: {gaps: refuse, warmup: all, warmup_path: x.parquet}\n")

    assert config_digest(operated) == config_digest(parse(YAML))
    assert parse(to_yaml(operated)).feed == operated.feed


def test_the_digest_does_not_depend_on_the_place_of_the_file(tmp_path):
    digests = set()
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        path = tmp_path / folder / "x.yaml"
        path.write_text(YAML)
        digests.add(config_digest(load_config(path)))
    assert digests == {config_digest(parse(YAML))}


def test_the_canonical_form_is_pinned():
    """These bytes are part of every run id: a change here makes all stored ids stale."""
    assert canonical(parse(YAML)) == (
        b'{"account":{"cash":100000,"currency":"USD","interest_percent":0,"leverage":1,'
        b'"maintenance_percent":0},"bars":{"calendar":"","columns":{},"duplicates":"refuse","end":"",'
        b'"format":"auto","gaps":"keep","invalid":"refuse","missing":"refuse",'
        b'"off_grid":"refuse","path":"a.parquet","stamp":"open","start":"","symbol":"",'
        b'"timeframe":"1d","timezone":"","unit":"auto"},"costs":{"fee_bps":0,"fee_fixed":0,'
        b'"fee_minimum":0,"fee_per_share":0,"impact_percent":0,"slippage_bps":0,'
        b'"slippage_on":"every_fill","slippage_ticks":0,"spread_bps":0,"spread_ticks":0,"tiers":[]},'
        b'"direction":"long_short","entry":{"order":"market","time_in_force":"GTC"},'
        b'"execution":{"both_hit":"stop_first","cross_ticks":1,"entry_bar":"pessimistic",'
        b'"fill":"next_open","limit_fill":"cross","reversal":"one_order",'
        b'"unaffordable":"reduce"},"exits":{"atr_period":14,"base":"fill","memory":"all",'
        b'"take_profit":[]},"features":[],"instrument":{"borrow_percent":0,"costs":{},'
        b'"funding_percent":0,"lot_size":1,"multiplier":1},"metrics":{'
        b'"periods_per_year":"counted","risk_free":0},"name":"x","risk":{"on_halt":"flatten"},'
        b'"sizing":{"at":"close","kind":"all_in"},"strategy":{"kernel":"sma_cross","params":{"fast":10,'
        b'"flag":true,"slow":30.5}}}'
    )


def test_yaml_output_is_readable_by_other_readers():
    data = yaml.safe_load(to_yaml(parse(YAML)))
    assert data == contents(parse(YAML))


class TestSchema:
    schema = json_schema()

    def accepts(self, **changes):
        data = {"bars": {"path": "x"}, "strategy": {"kernel": "a"}, **changes}
        return jsonschema.Draft202012Validator(self.schema).is_valid(data)

    def test_is_a_schema_of_its_dialect(self):
        jsonschema.Draft202012Validator.check_schema(self.schema)
        assert "source" not in self.schema["properties"]

    def test_every_section_and_key_is_described(self):
        sections = [self.schema, *self.schema["$defs"].values()]
        for section in sections:
            assert section["description"]
            for key, entry in section["properties"].items():
                assert key == "kind" or entry["description"], key

    def test_agrees_with_the_model(self):
        assert self.accepts()
        assert self.accepts(sizing={"kind": "fixed", "quantity": 3})
        assert not self.accepts(sizing={"kind": "all_in", "quantity": 3})
        assert not self.accepts(account={"cash": 0})
        assert not self.accepts(account={"cash": True})
        assert not self.accepts(fee=1)
        assert not self.accepts(name="../x")

    def test_bars_or_instruments(self):
        listed = [{"symbol": "A", "bars": {"path": "x"}}]
        validator = jsonschema.Draft202012Validator(self.schema)
        assert validator.is_valid({"strategy": {"kernel": "a"}, "instruments": listed})
        assert not validator.is_valid({"strategy": {"kernel": "a"}})
        assert not self.accepts(instruments=listed)

    def test_a_distance_has_one_unit(self):
        assert self.accepts(exits={"stop_loss": {"percent": 0.075}})
        assert not self.accepts(exits={"stop_loss": {}})
        assert not self.accepts(exits={"stop_loss": {"percent": 1, "atr": 2}})
        assert not self.accepts(exits={"stop_loss": 0.075})
        assert self.accepts(exits={"take_profit": {"percent": 1}})
        assert self.accepts(exits={"take_profit": [{"percent": 1, "part": 50}]})


def test_importing_the_config_loads_no_heavy_package():
    heavy = {"numba", "numpy", "pyarrow", "polars", "pandas", "jsonschema", "admf_kernels"}
    code = (
        "import sys, admf_fast.data.spec; before = set(sys.modules); "
        "import admf_fast.config; print(*(set(sys.modules) - before))"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert not heavy & set(result.stdout.split())
