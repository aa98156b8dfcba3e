"""The section `strategy`: its forms, what is written back, and where its errors point."""

import json
import re
from pathlib import Path

import jsonschema
import pytest

from admf_fast.config import (
    EnsembleSpec,
    MemberSpec,
    RegimesSpec,
    SideSpec,
    StateSpec,
    StrategySpec,
    canonical,
    config_digest,
    contents,
    json_schema,
    parse_config,
    to_yaml,
)
from admf_fast.errors import ConfigError
from admf_fast.runners.setup import prepare

ROOT = Path(__file__).parents[2]
BARS = "bars: {path: a.parquet, timeframe: 1d, stamp: open}\n"

FORMS = {
    "kernel": "  kernel: sma_cross\n",
    "filtered": "  kernel: rsi_reversion\n  params: {low: 25}\n  when: volume > sma(volume, 20)\n",
    "rules": "  long: {enter: close > sma(20), exit: [close < sma(10), true]}\n",
    "signal": "  signal: 0.5\n",
    "ensemble": """\
  ensemble:
    vote: majority
    members:
      - {kernel: sma_cross, params: {fast: 5}}
      - {name: other, signal: 1 if close > open else -1}
""",
    "regimes": """\
  regimes:
    states:
      - {name: up, when: [close > sma(n), volume > 0]}
      - {name: down, when: close < sma(n)}
    use: {up: {kernel: buy_and_hold}, down: flat, otherwise: {short: {enter: close < open}}}
    confirm_bars: 2
  params: {n: 20}
""",
}


def parse(strategy, more=""):
    text = BARS + "strategy:\n" + strategy + more
    return parse_config(text, name="x.yaml", format="yaml")


def error_of(strategy, more=""):
    with pytest.raises(ConfigError) as caught:
        prepare(parse(strategy, more))
    return str(caught.value)


@pytest.mark.parametrize("form", FORMS)
def test_each_form_is_read_written_and_prepared(form):
    config = parse(FORMS[form])
    setup = prepare(config)

    again = parse_config(to_yaml(config), name="x.yaml", format="yaml")
    sorted_ = parse_config(canonical(config).decode(), name="x.json", format="yaml")
    assert again.strategy == config.strategy
    assert config_digest(again) == config_digest(sorted_) == config_digest(config)
    assert setup.strategy.reference == prepare(sorted_).strategy.reference
    assert setup.params == prepare(sorted_).params
    jsonschema.Draft202012Validator(json_schema()).validate(json.loads(canonical(config)))


def test_a_kernel_alone_is_that_kernel_and_its_canonical_form_has_not_changed():
    config = parse(FORMS["kernel"])

    assert prepare(config).strategy.reference == "sma_cross"
    assert contents(config)["strategy"] == {"kernel": "sma_cross", "params": {}}


def test_what_was_not_said_is_not_written():
    assert contents(parse(FORMS["signal"]))["strategy"] == {"signal": 0.5}
    assert parse(FORMS["signal"]).strategy.label == "signal"
    assert parse(FORMS["filtered"]).strategy.label == "rsi_reversion"


def test_a_text_and_a_list_of_one_mean_the_same():
    one, other = (
        prepare(parse(f"  long: {{enter: {enter}}}\n  when: {when}\n"))
        for enter, when in (("close > 1", "open > 2"), ("[close > 1]", "[open > 2]"))
    )
    assert one.strategy.reference == other.strategy.reference


def test_the_order_of_names_does_not_matter_and_that_of_states_does():
    first = FORMS["regimes"]
    swapped = re.sub(r"(      - \{name: up.*\n)(      - .*\n)", r"\2\1", first)
    assert swapped != first
    assert config_digest(parse(swapped)) != config_digest(parse(first))

    use = "    use: {up: {kernel: buy_and_hold}, down: flat, otherwise: "
    turned = first.replace(use, "    use: {down: flat, up: {kernel: buy_and_hold}, otherwise: ")
    assert turned != first
    assert prepare(parse(turned)).strategy.reference == prepare(parse(first)).strategy.reference


def test_a_form_of_python_values_is_checked_like_a_file():
    spec = StrategySpec(
        ensemble=EnsembleSpec(
            members=(
                MemberSpec(long=SideSpec(enter="close > open")),
                MemberSpec(
                    regimes=RegimesSpec(
                        states=(StateSpec(name="a", when=True),), use={"a": StrategySpec(signal=1)}
                    )
                ),
            )
        )
    )
    config = parse(FORMS["kernel"])
    made = prepare(type(config)(bars=config.bars, strategy=spec))

    assert made.strategy.reference.startswith("ensemble_")


SCHEMA_REFUSED = [
    ("  long: {}\n", "x.yaml:3: strategy.long.enter is missing; expected "),
    ("  long: close > 1\n", "x.yaml:3: strategy.long: expected a section with the keys enter, "),
    ("  {}\n", "x.yaml:2: strategy: expected one of kernel, rules (long, short), signal, "
     "ensemble, regimes; found none of them"),
    ("  kernel: sma_cross\n  signal: 1\n", "x.yaml:2: strategy: expected one of kernel, rules "
     "(long, short), signal, ensemble, regimes; found kernel and signal"),
    ("  signal: []\n", "x.yaml:3: strategy.signal: expected "),
    ("  lnog: {enter: close > 1}\n", "x.yaml:3: strategy.lnog is not a key here; did you mean "
     "long?"),
    ("  long: {enter: sma(close, 20) > 1}\n", "x.yaml:3: strategy.long.'20) > 1' is not a key "
     "here; inside { } of YAML a text with a comma needs quotes"),
    ("  ensemble: {members: [{signal: 1, weight: 0}]}\n",
     "x.yaml:3: strategy.ensemble.members[0].weight: expected a number > 0"),
    ("  ensemble: {members: [{weight: 2}]}\n",
     "x.yaml:3: strategy.ensemble.members[0]: expected one of kernel, "),
    ("  ensemble: {members: [{signal: 1}], threshold: 2}\n",
     "x.yaml:3: strategy.ensemble.threshold: expected a number > 0 and <= 1; found 2"),
    ("  regimes: {states: [{name: a, when: true}], use: {a: sell}}\n",
     "x.yaml:3: strategy.regimes.use.a: expected "),
    ("  regimes: {states: [{name: a, when: true}], use: {a: {kernal: x}}}\n",
     "x.yaml:3: strategy.regimes.use.a.kernal is not a key here; did you mean kernel?"),
    ("  regimes: {states: [{name: a, when: true}], use: {a: {}}}\n",
     "x.yaml:3: strategy.regimes.use.a: expected one of kernel, "),
    ("  regimes: {states: {a: true}, use: {}}\n",
     "x.yaml:3: strategy.regimes.states: expected a list"),
    (f"  signal: {'1+' * 1000}1\n", "x.yaml:3: strategy.signal: expected "),
]  # fmt: skip


@pytest.mark.parametrize(("strategy", "message"), SCHEMA_REFUSED)
def test_a_section_of_the_wrong_shape(strategy, message):
    with pytest.raises(ConfigError) as caught:
        parse(strategy)

    assert str(caught.value).startswith(message)


@pytest.mark.parametrize(
    ("strategy", "message"),
    [
        ("  long:\n    enter: clsoe > 1\n",
         "x.yaml:4: strategy.long.enter: column 1: no 'clsoe' is known; did you mean close?"),
        ("  long:\n    enter:\n      - close > 1\n      - close > smaa(3)\n",
         "x.yaml:6: strategy.long.enter[1]: column 9: no indicator or function is named 'smaa'; "
         "did you mean sma?"),
        ("  variables:\n    a: close > 1\n    b: a + 1\n  signal: b\n",
         "x.yaml:5: strategy.variables.b: column 1: expected a number, found a condition; "
         "write 1 if ... else 0"),
        ("  long: {enter: [sma(close, 20) > 1]}\n",
         "x.yaml:3: strategy.long.enter[0]: column 10: expected ',' or ')', found the end; inside "
         "[ ] of YAML a text with a comma needs quotes"),
        ("  ensemble: {members: []}\n",
         "x.yaml:3: strategy.ensemble.members: expected one member or more, found none"),
        ("  kernel: rsi_reversion\n  params: {low: 200}\n  when: close > 1\n",
         "x.yaml:4: strategy.params: rsi_reversion: low must be in [0.0, 100.0], found 200"),
        ("  kernel: rsi_revers\n  when: close > 1\n",
         "x.yaml:3: no kernel is named 'rsi_revers'; did you mean"),
        ("  kernel: sma\n  when: close > 1\n",
         "x.yaml:3: expected a strategy, 'sma' is an indicator"),
        ("  params:\n    n: 3\n    m: 4\n  signal: 1 if close > sma(n) else 0\n",
         "x.yaml:5: strategy.params.m: no expression uses this parameter"),
        ("  params:\n    n: 3.5\n  signal: 1 if close > sma(n) else 0\n",
         "x.yaml:5: strategy.signal: column 14: sma: period must be a finite int, found 3.5"),
        ("  ensemble:\n    members:\n      - kernel: sma_cross\n      - signal: close +\n",
         "x.yaml:6: strategy.ensemble.members[1].signal: column 8: expected a number, a name, "
         "a feature or '(', found the end"),
        ("  regimes:\n    states: [{name: a, when: close}]\n    use:\n      a: flat\n",
         "x.yaml:4: strategy.regimes.states[0].when: column 1: expected a condition, found "),
        ("  regimes:\n    states: [{name: a, when: true}]\n    use:\n      b: flat\n",
         "x.yaml:6: strategy.regimes.use.b: no regime is named 'b'; expected one of a, otherwise"),
    ],
)  # fmt: skip
def test_an_expression_that_makes_no_sense_names_line_key_and_column(strategy, message):
    assert error_of(strategy).startswith(message)


def test_features_of_the_configuration_are_names_in_expressions():
    features = "features: [{name: smooth, kernel: rsi, params: {period: 7}}]\n"
    setup = prepare(parse("  signal: 1 if smooth > 50 else 0\n", features))

    (read,) = setup.strategy.outputs_for(setup.params).values()
    assert read == setup.features["smooth"]
    assert error_of("  variables: {smooth: close}\n  signal: smooth\n", features).endswith(
        "strategy.variables.smooth: 'smooth' is declared twice; use another name"
    )


def _blocks():
    text = (ROOT / "docs" / "strategies.md").read_text()
    return re.findall(r"^```yaml\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("block", _blocks())
def test_every_strategy_of_the_page_can_be_run(block):
    config = parse_config(BARS + block, name="page.yaml", format="yaml")

    assert prepare(config).strategy.reference


def test_the_page_names_every_function():
    from admf_kernels.expressions.names import FUNCTIONS

    text = (ROOT / "docs" / "strategies.md").read_text()
    assert [name for name in FUNCTIONS if f"`{name}(" not in text] == []
