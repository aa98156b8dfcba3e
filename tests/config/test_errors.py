"""What a user reads when a configuration is wrong: place, expectation, finding, remedy."""

import os
import time

import pytest

from admf_fast.config import (
    SIZE_MAX_BYTES,
    AccountSpec,
    Config,
    CostsSpec,
    FeatureSpec,
    FixedSizing,
    PercentSizing,
    StrategySpec,
    canonical,
    load_config,
    parse_config,
    validate,
)
from admf_fast.config.market_rules import is_multiple
from admf_fast.data.spec import BarSpec
from admf_fast.errors import AdmfError, ConfigError

BASE = """\
bars:
  path: bars.parquet
  timeframe: 1d
  stamp: open
strategy:
  kernel: sma_cross
"""
BASE_LINES = BASE.count("\n")


def parse(text, name="examples/x.yaml", format="yaml"):
    return parse_config(text, name=name, format=format)


def errors_of(text, **options):
    with pytest.raises(ConfigError) as caught:
        parse(text, **options)
    return str(caught.value).splitlines()


def error_after_base(text):
    """The one error of BASE followed by text, with the line counted from the text."""
    (message,) = errors_of(BASE + text)
    place, _, rest = message.partition(": ")
    name, _, line = place.partition(":")
    assert name == "examples/x.yaml"
    return f"{int(line) - BASE_LINES}: {rest}"


def test_minimal_config_gets_the_documented_defaults():
    config = parse(BASE)
    assert config.name == "x"
    assert config.account == AccountSpec(cash=100_000.0, currency="USD", leverage=1.0)
    assert config.costs == CostsSpec()
    assert config.instrument.lot_size == 1.0
    assert not config.instrument.tick_size
    assert config.sizing.__struct_config__.tag == "all_in"
    assert config.direction == "long_short"


def test_g01_unknown_key_names_line_nearest_key_and_all_keys():
    assert error_after_base("costs:\n  fee_fixed: 1\n  fee_bp: 1\n") == (
        "3: costs.fee_bp is not a key here; did you mean fee_bps? (keys: fee_bps, maker_bps, "
        "fee_per_share, fee_fixed, fee_minimum, tiers, fee_kernel, slippage_bps, slippage_ticks, "
        "spread_bps, spread_ticks, impact_percent, slippage_on)"
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("fee_bps: 1\n", "1: fee_bps is not a key here; it belongs to costs (keys: name, "),
        ("execution:\n  cash: 1\n", "2: execution.cash is not a key here; it belongs to account "),
        (
            "account:\n  direction: long_only\n",
            "2: account.direction is not a key here; it belongs to the top level",
        ),
        ("lot_size: 1\n", "1: lot_size is not a key here; it belongs to instrument (keys: "),
        ("stop_loss: 1\n", "1: stop_loss is not a key here; it belongs to exits (keys: "),
        ("luck: 1\n", "1: luck is not a key here (keys: name, bars, instrument, "),
        ("zzz: 1\n", "1: zzz is not a key here (keys: name, bars, instrument, "),
        ("source: {}\n", "1: source is not a key here"),
        ("ba\\x: 1\n", "1: 'ba\\\\x' is not a key here"),
    ],
)
def test_g01_unknown_keys(text, message):
    assert error_after_base(text).startswith(message)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("account:\n  cash: lots\n", "2: account.cash: expected a number > 0; found 'lots' (text)"),
        ("account:\n  cash: true\n", "2: account.cash: expected a number > 0; found true"),
        ("account:\n  cash:\n", "2: account.cash: expected a number > 0; found nothing (null)"),
        ("account:\n  cash: 0\n", "2: account.cash: expected a number > 0; found 0"),
        ("instrument:\n  lot_size: -1.5\n",
         "2: instrument.lot_size: expected a number from 1e-12 to 1e12; found -1.5"),
        ("account:\n", "1: account: expected a section with the keys cash, currency, leverage, "
         "maintenance_percent, interest_percent; found nothing (null)"),
        ("account: [1]\n", "1: account: expected a section with the keys cash, currency, "
         "leverage, maintenance_percent, interest_percent; found a list of 1"),
        ("costs:\n  fee_bps: 1_000\n",
         "2: costs.fee_bps: expected a number >= 0 and < 10000; found '1_000' (text); "
         "write 1000"),
        ("costs:\n  fee_bps: '5'\n",
         "2: costs.fee_bps: expected a number >= 0 and < 10000; found '5' (text); "
         "write 5 without quotes"),
        ("costs:\n  fee_fixed: 012\n",
         "2: costs.fee_fixed: expected a number >= 0; found '012' (text); write 12"),
        ("execution:\n  fill: no\n",
         "2: execution.fill: expected one of next_open, same_close; found 'no' (text)"),
        ("execution:\n  fill: next-open\n",
         "2: execution.fill: expected one of next_open, same_close; found 'next-open' (text); "
         "did you mean next_open?"),
        ("direction: long\n", "1: direction: expected one of long_only, long_short, short_only; "
         "found 'long' (text); did you mean long_only?"),
        ("metrics:\n  periods_per_year: 0\n",
         "2: metrics.periods_per_year: expected counted or a number > 0; found 0"),
        ("sizing:\n  percent: 50\n",
         "1: sizing: expected a section with kind, one of fixed, percent, all_in, risk, "
         "volatility, kelly, kernel; found a section with the keys percent"),
        ("sizing:\n  kind: percents\n",
         "2: sizing.kind: expected one of fixed, percent, all_in, risk, volatility, kelly, kernel; "
         "found 'percents' (text); did you mean percent?"),
        ("sizing:\n  kind: percent\n  percent: 101\n",
         "3: sizing.percent: expected at most 100 * account.leverage = 100.0; found 101.0"),
        ("sizing:\n  kind: fixed\n", "1: sizing.quantity is missing; expected a number > 0"),
        ("sizing:\n  kind: all_in\n  quantity: 3\n",
         "3: sizing.quantity is not a key here; it belongs to sizing of kind fixed "
         "(keys: kind, at)"),
        ("features: {}\n", "1: features: expected a list, each item a section with the keys name, "
         "kernel, params, inputs, timeframe; found {}"),
        ("features:\n  - name: a\n    kernel: sma\n  - name: b\n",
         "4: features[1].kernel is missing; expected a registered name like rsi or "
         "bollinger.upper, or module:name"),
        ("features:\n  - name: a\n    kernel: sma\n    inputs: close\n",
         "4: features[0].inputs: expected a list, each item 1 to 64 of A-Z a-z 0-9 _, "
         "no digit first; found 'close' (text)"),
        ("name: ../evil\n", "1: name: expected 1 to 64 of A-Z a-z 0-9 . _ -, a letter or digit "
         "first; found '../evil' (text)"),
    ],
)  # fmt: skip
def test_g01_wrong_values(text, message):
    assert error_after_base(text) == message


def test_g01_missing_sections():
    assert errors_of("name: x\n") == [
        "examples/x.yaml: bars is missing; expected a section with the keys path, format, symbol, "
        "timeframe, stamp, timezone, columns, unit, gaps, duplicates, missing, invalid, off_grid, "
        "calendar, start, end, or else instruments",
        "examples/x.yaml: strategy is missing; expected a section with the keys kernel, params, "
        "long, short, signal, ensemble, regimes, variables, when",
    ]


def test_several_errors_are_told_together_in_the_order_of_the_lines():
    text = BASE + "account:\n  cash: -1\nsizing:\n  kind: fixed\n  percent: 3\ndirection: x\n"
    lines = errors_of(text)
    places = [message.split(":")[1] for message in lines]
    assert places == ["8", "9", "11", "12"]


def test_more_errors_than_anyone_reads_are_counted():
    lines = errors_of(BASE + "".join(f"x{n}: 1\n" for n in range(30)))
    assert len(lines) == 21
    assert lines[-1] == "... and 10 more; correct these first"


def test_h08_a_megabyte_of_mistakes_is_refused_quickly():
    text = BASE + "".join(f"x{n}: 1\n" for n in range(80_000))
    start = time.process_time()
    lines = errors_of(text)
    assert lines[-1] == "... and at least 80 more; correct these first"
    assert time.process_time() - start < 20


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("strategy: {kernel: sma_cross, params: {fast: [1]}}\n", "strategy.params.fast"),
        ("strategy: {kernel: sma_cross, params: {fast: '10'}}\n", "strategy.params.fast"),
        ("strategy: {kernel: sma_cross, params: {2fast: 10}}\n", "strategy.params.2fast"),
        ("strategy: {kernel: 'a b'}\n", "strategy.kernel"),
        ("strategy: {kernel: 'os.system'}\n", "strategy.kernel"),
        ("strategy: {kernel: '../mod:name'}\n", "strategy.kernel"),
        ('strategy: {kernel: "sma\\n"}\n', "strategy.kernel"),
    ],
)
def test_g03_kernel_and_params_are_names_and_numbers(text, message):
    (error,) = errors_of("bars: {path: x.csv}\n" + text, name="x.yaml")[:1]
    assert message in error


@pytest.mark.parametrize("kernel", ["sma_cross", "mine:cross", "my.own.module:cross"])
def test_kernel_names_that_pass(kernel):
    config = parse(f"bars: {{path: x.csv}}\nstrategy: {{kernel: '{kernel}'}}\n")
    assert config.strategy.kernel == kernel


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("timeframe", "7d", "bars.timeframe: expected one of 1s 5s"),
        ("timezone", "Amerika/New_York", "bars.timezone: expected a time zone such as UTC"),
        ("timezone", "../../etc/passwd", "bars.timezone: expected a time zone"),
        ("symbol", "A/B", "bars.symbol: expected 1 to 64"),
        ("symbol", "x" * 65, "bars.symbol: expected 1 to 64"),
        ("start", "yesterday", "bars.start: expected an ISO date"),
        ("stamp", "opn", "bars.stamp: expected one of close, open"),
        ("gaps", "drop", "bars.gaps: expected one of keep, refuse"),
        ("path", "3", "bars.path: expected text or a list, each item text; found 3"),
        ("path", "[a, 3]", "bars.path[1]: expected text; found 3"),
    ],
)
def test_g05_h02_bars_are_checked_with_their_line(key, value, message):
    (error,) = errors_of(f"strategy: {{kernel: a}}\nbars:\n  {key}: {value}\n")
    assert error.startswith(f"examples/x.yaml:3: {message}")


@pytest.mark.parametrize(
    ("quantity", "lot_size", "nearest"),
    [(105, 10, "100.0 or 110.0"), (0.5, 1, "1.0"), (0.075, 0.01, "0.07 or 0.08")],
)
def test_quantity_must_be_whole_lots(quantity, lot_size, nearest):
    text = f"instrument: {{lot_size: {lot_size}}}\nsizing:\n  kind: fixed\n  quantity: {quantity}\n"
    assert error_after_base(text) == (
        "4: sizing.quantity: expected a whole multiple of instrument.lot_size; found "
        f"{float(quantity)!r}, with a lot size of {float(lot_size)!r}; nearest: {nearest}"
    )


def test_whole_lots_are_counted_in_decimals():
    assert is_multiple(0.07, 0.01)
    assert is_multiple(1e300, 1e-300)
    assert not is_multiple(0.075, 0.01)


def test_feature_names_are_unique():
    text = "features:\n  - {name: a, kernel: sma}\n  - {name: a, kernel: ema}\n"
    assert error_after_base(text) == (
        "3: features[1].name: expected a name used once; features[0] has the same name a"
    )


@pytest.mark.parametrize("name", ["ts", "sequence", "open", "high", "volume", "session"])
def test_features_are_not_named_like_the_columns_beside_them(name):
    text = f"features:\n  - {{name: a, kernel: sma}}\n  - {{name: {name}, kernel: ema}}\n"
    assert error_after_base(text) == (
        "3: features[1].name: expected a name other than ts, ts_ns, timestamp, sequence, open, "
        "high, low, close, volume, session, minute_of_day, minute_of_session, minutes_left, "
        f"weekday, adjustment; found {name}"
    )


@pytest.mark.parametrize("key", ["api_key", "secret", "broker_token", "password", "apiKey"])
def test_h05_secrets_are_refused_and_never_repeated(key):
    for text in (f"{key}: canary42\n", f"costs: {{{key}: canary42}}\n"):
        assert "a configuration holds no secrets" in error_after_base(text)
        assert "canary" not in error_after_base(text)
    for value in ("canary42", "4242424242424242424242", "[canary42]", "1_424242"):
        text = f"bars: {{path: x}}\nstrategy: {{kernel: a, params: {{{key}: {value}}}}}\n"
        (message,) = errors_of(text)
        assert "canary" not in message
        assert "4242" not in message


def test_h09_text_from_outside_cannot_forge_lines():
    (message,) = errors_of(BASE + '"a\\nx.yaml:1: all is well": 1\n')
    assert "\\n" in message
    (message,) = errors_of(BASE + '"\\e[31m": 1\n')
    assert "\x1b" not in message
    (message,) = errors_of(BASE.replace("bars.parquet", '"a\\0b"'))
    assert message == "examples/x.yaml:2: bars.path: '\\x00' cannot stand in a text here; remove it"


@pytest.mark.parametrize("text", ["", "# nothing\n", "[1, 2]\n", "just words\n", "null\n"])
def test_a_file_without_sections(text):
    (message,) = errors_of(text)
    assert message.startswith("examples/x.yaml: expected sections such as bars and strategy; found")


def test_toml_errors_have_lines_too():
    text = '[bars]\npath = "x"\n[strategy]\nkernel = "a"\nparms = {fast = 1}\n'
    (message,) = errors_of(text, name="x.toml", format="toml")
    assert message.startswith(
        "x.toml:5: strategy.parms is not a key here; did you mean params? (keys: kernel, params, "
    )


def test_toml_inline_tables_report_their_line():
    text = 'bars = {path = "x"}\nstrategy = {kernel = "a",\tparams = {a = "1"}}\n'
    (message,) = errors_of(text, name="x.toml", format="toml")
    assert message.startswith("x.toml:2: strategy.params.a: expected true or false or a number")


class TestFiles:
    def test_name_base_and_lines(self, tmp_path):
        path = tmp_path / "my-run.yaml"
        path.write_text("\ufeff" + BASE)
        config = load_config(path)
        assert config.name == "my-run"
        places = [config.resolve(path) for path in (config.bars.path, "/abs/x")]
        assert places == [str(tmp_path / "bars.parquet"), "/abs/x"]
        assert config.where("strategy", "params", "fast") == f"{path}:5"
        assert config.where("direction") == str(path)

    def test_a_file_name_that_is_no_run_name(self, tmp_path):
        path = tmp_path / "my run.yaml"
        path.write_text(BASE)
        with pytest.raises(ConfigError, match=r"name is missing.*found 'my run'; add name: my_run"):
            load_config(path)

    @pytest.mark.parametrize("name", ["x.json", "x", "x.yaml.bak", "x\0.yaml", "x\n.yaml"])
    def test_names_refused(self, name):
        with pytest.raises(ConfigError, match="expected a"):
            load_config(name)

    def test_h08_files_that_are_no_files(self, tmp_path):
        names = ("none.yaml", "folder.yaml", "pipe.yaml", "zero.yaml")
        missing, folder, pipe, device = (tmp_path / name for name in names)
        folder.mkdir()
        os.mkfifo(pipe)
        device.symlink_to("/dev/zero")
        for path, text in (
            (missing, "cannot be read: No such file"),
            (folder, "expected a regular file|Is a directory"),
            (pipe, "expected a regular file"),
            (device, "expected a regular file"),
        ):
            with pytest.raises(ConfigError, match=text):
                load_config(path)

    def test_h08_size_is_limited(self, tmp_path):
        path = tmp_path / "x.yaml"
        path.write_text(BASE + "#" * SIZE_MAX_BYTES)
        with pytest.raises(ConfigError, match="at most 1000000 bytes"):
            load_config(path)
        with pytest.raises(ConfigError, match="at most 1000000 bytes"):
            parse("é" * (SIZE_MAX_BYTES // 2 + 1))

    def test_encoding_is_utf8(self, tmp_path):
        path = tmp_path / "x.yaml"
        path.write_bytes(b"a: 1\nb: \xe9\n")
        with pytest.raises(ConfigError, match=r"x\.yaml:2: expected UTF-8; found byte 0xe9"):
            load_config(path)
        with pytest.raises(ConfigError, match="half a character"):
            parse("a: \ud800\n")


class TestPython:
    def config(self, **changes):
        sections = {"bars": BarSpec(path="x.csv"), "strategy": StrategySpec(kernel="a")}
        return Config(**{**sections, **changes})

    def test_valid(self):
        config = validate(self.config(account=AccountSpec(cash=5)))
        assert type(config.account.cash) is float
        assert canonical(config) == canonical(self.config(account=AccountSpec(cash=5.0)))

    @pytest.mark.parametrize(
        ("changes", "message"),
        [
            ({"account": AccountSpec(cash=-1.0)}, "Config: account.cash: expected a number > 0"),
            ({"account": AccountSpec(cash=float("nan"))}, "account.cash: expected a finite"),
            ({"account": AccountSpec(cash=10**400)}, "account.cash: expected an integer within"),
            ({"account": AccountSpec(cash=2**53 + 1)}, "account.cash: expected an integer within"),
            ({"account": 3}, "account: expected a section"),
            ({"sizing": PercentSizing(percent=0.0)}, "sizing.percent: expected a number > 0"),
            ({"sizing": FixedSizing(quantity=1.5)}, "expected a whole multiple"),
            ({"strategy": StrategySpec(kernel="a", params={"x": "1"})}, "strategy.params.x"),
            ({"strategy": StrategySpec(kernel="a", params={1: 1})}, "strategy.params: expected"),
            ({"strategy": StrategySpec(kernel="a", params={"x": object()})}, "plain Python values"),
            ({"features": (FeatureSpec(name="a b", kernel="a"),)}, r"features\[0\].name"),
            ({"name": "a/b"}, "name: expected 1 to 64"),
        ],
    )
    def test_the_same_rules_as_in_a_file(self, changes, message):
        with pytest.raises(ConfigError, match=message):
            validate(self.config(**changes))

    def test_data_that_contains_itself(self):
        params = {}
        params["x"] = params
        with pytest.raises(ConfigError):
            validate(self.config(strategy=StrategySpec(kernel="a", params=params)))


def test_exit_code():
    with pytest.raises(AdmfError) as caught:
        parse("")
    assert caught.value.exit_code == 2
