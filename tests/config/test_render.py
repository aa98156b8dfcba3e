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
    AccountSpec,
    AllInSizing,
    Config,
    ExecutionSpec,
    FeatureSpec,
    FixedSizing,
    MetricsSpec,
    PercentSizing,
    StrategySpec,
    canonical,
    config_digest,
    contents,
    json_schema,
    load_config,
    parse_config,
    to_yaml,
    validate,
)
from admf_fast.config.rules import TAKEN_NAMES
from admf_fast.data.spec import TIMEFRAMES, BarSpec
from admf_fast.errors import ConfigError

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


# Texts that YAML 1.1, YAML 1.2, TOML or a careless writer take for something else.
_WORDS = (
    "no yes on off y n null ~ true False 1 012 1_000 1e-4 1e5 .5 5. 12:30:00 0x1F 0o14 .nan .inf "
    "2024-01-31 = << - -- --- ... ? : # & * ! | > % @ ` ' [] {} a:b 1e999 é 日本 😀 \\"
)
_TRICKY = st.sampled_from(
    [*_WORDS.split(), '"', "", " ", " a", "a ", "a: b", "a #b", "- a", "9" * 40, "\xa0", "no.", "/"]
)
_ANY_TEXT = st.text(
    st.characters(exclude_categories=("Cc", "Cf", "Cs", "Zl", "Zp", "Cn")), max_size=20
)
TEXTS = _TRICKY | _ANY_TEXT
IDENTIFIERS = st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,20}", fullmatch=True) | st.sampled_from(
    ["no", "true", "null", "y", "e1", "_"]
)
NAMES = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", fullmatch=True)
FINITE = st.floats(allow_nan=False, allow_infinity=False)
POSITIVE = FINITE.map(abs).filter(bool)
COSTS = FINITE.map(abs)
COSTS_BPS = st.floats(0, 10_000, exclude_max=True)
PARAMS = st.dictionaries(
    IDENTIFIERS, st.booleans() | st.integers(-(2**53), 2**53) | FINITE, max_size=4
)
BARS = st.builds(
    BarSpec,
    path=TEXTS | st.lists(TEXTS, max_size=3),
    timeframe=st.sampled_from(("", *TIMEFRAMES)),
    stamp=st.sampled_from(("", "open", "close")),
    columns=st.dictionaries(TEXTS, TEXTS, max_size=3),
    timezone=st.sampled_from(("", "UTC")),
)
FEATURES = st.lists(
    st.builds(
        FeatureSpec,
        name=IDENTIFIERS.filter(lambda name: name not in TAKEN_NAMES),
        kernel=IDENTIFIERS,
        params=PARAMS,
        inputs=st.lists(IDENTIFIERS, max_size=2).map(tuple),
    ),
    max_size=3,
    unique_by=lambda feature: feature.name,
).map(tuple)
CONFIGS = st.builds(
    Config,
    name=NAMES,
    bars=BARS,
    strategy=st.builds(StrategySpec, kernel=IDENTIFIERS, params=PARAMS),
    features=FEATURES,
    account=st.builds(
        AccountSpec, cash=POSITIVE, lot_size=st.sampled_from((1, 0.01, 5e-324)), tick_size=POSITIVE
    ),
    execution=st.builds(
        ExecutionSpec,
        fill=st.sampled_from(("next_open", "same_close")),
        fee_bps=COSTS_BPS,
        fee_fixed=COSTS,
        slippage_ticks=COSTS | st.integers(0, 2**53),
    ),
    sizing=st.just(AllInSizing())
    | st.builds(PercentSizing, percent=st.floats(0, 100, exclude_min=True))
    | st.builds(FixedSizing, quantity=st.integers(1, 2**53).map(float)),
    metrics=st.builds(
        MetricsSpec,
        periods_per_year=st.just("counted") | POSITIVE,
        risk_free=st.floats(-1, 1e300, exclude_min=True),
    ),
).filter(lambda config: config.account.lot_size != 5e-324 or isinstance(config.sizing, AllInSizing))


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
    assert (
        config_digest(parse(YAML + "direction: long_short\nexecution: {fee_bps: -0.0}\n")) == digest
    )


@pytest.mark.parametrize(
    "change",
    [
        "direction: long_only\n",
        "sizing: {kind: percent, percent: 100}\n",
        "execution: {fee_bps: 5e-324}\n",
    ],
)
def test_g06_a_change_of_meaning_changes_the_digest(change):
    assert config_digest(parse(YAML + change)) != config_digest(parse(YAML))


def test_true_is_not_one():
    assert config_digest(parse(YAML.replace("true", "1"))) != config_digest(parse(YAML))


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
        b'{"account":{"cash":100000,"lot_size":1,"tick_size":0.01},"bars":{"calendar":"","columns":{},'
        b'"duplicates":"refuse","end":"","format":"auto","gaps":"keep","invalid":"refuse",'
        b'"missing":"refuse","off_grid":"refuse","path":"a.parquet","stamp":"open","start":"",'
        b'"symbol":"","timeframe":"1d","timezone":"","unit":"auto"},"direction":"long_short",'
        b'"execution":{"fee_bps":0,"fee_fixed":0,"fee_per_share":0,"fill":"next_open",'
        b'"slippage_bps":0,"slippage_ticks":0},"features":[],"metrics":{"periods_per_year":'
        b'"counted","risk_free":0},"name":"x","sizing":{"kind":"all_in"},"strategy":'
        b'{"kernel":"sma_cross","params":{"fast":10,"flag":true,"slow":30.5}}}'
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
