"""Every relation between keys, told with its place and its numbers."""

import pytest

from admf_fast.config import Config, StrategySpec, config_digest, parse_config, validate
from admf_fast.config.exit_rules import check_exits
from admf_fast.config.exits import ExitsSpec, SessionEndSpec
from admf_fast.config.model import BarSpec
from admf_fast.config.source import Problems, Source
from admf_fast.errors import ConfigError

HEAD = "strategy: {kernel: sma_cross}\n"
BARS = HEAD + "bars: {path: a.csv}\n"
TWO = """\
strategy: {kernel: sma_cross}
instruments:
  - symbol: AAPL
    bars: {path: a.csv}
  - symbol: EURUSD
    bars: {path: b.csv}
"""


def parse(text):
    return parse_config(text, name="x.yaml", format="yaml")


def errors_of(text):
    with pytest.raises(ConfigError) as caught:
        parse(text)
    return str(caught.value).splitlines()


def error_of(text, head=BARS):
    """The one error of a text after the head, with its line counted from the text."""
    (message,) = errors_of(head + text)
    name, line, rest = message.split(":", 2)
    assert name == "x.yaml"
    return f"{int(line) - head.count(chr(10))}:{rest}"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("exits:\n  stop_loss: 0.075\n",
         "2: exits.stop_loss: expected a section with the keys percent, amount, ticks, atr; found "
         "0.075; say in which unit: {percent: 0.075}, or amount, ticks or atr for percent"),
        ("exits:\n  take_profit: 2\n",
         "2: exits.take_profit: expected a section with the keys percent, amount, ticks, atr, part "
         "or a list of them; found 2; say in which unit: {percent: 2}, or amount, ticks or atr "
         "for percent"),
        ("exits:\n  take_profit: [2]\n",
         "2: exits.take_profit[0]: expected a section with the keys percent, amount, ticks, atr, "
         "part; found 2; say in which unit: {percent: 2}, or amount, ticks or atr for percent"),
        ("exits:\n  stop_loss: true\n",
         "2: exits.stop_loss: expected a section with the keys percent, amount, ticks, atr; "
         "found true"),
        ("exits:\n  stop_loss:\n",
         "2: exits.stop_loss: expected a section with the keys percent, amount, ticks, atr; "
         "found nothing (null)"),
        ("exits:\n  stop_loss: {percent: -1}\n",
         "2: exits.stop_loss.percent: expected a number > 0; found -1"),
        ("exits:\n  stop_loss: {}\n",
         "2: exits.stop_loss: expected exactly one of percent, amount, ticks, atr; "
         "found none of them"),
        ("exits:\n  stop_loss: {percent: 1, atr: 2}\n",
         "2: exits.stop_loss: expected exactly one of percent, amount, ticks, atr; "
         "found percent, atr"),
        ("exits:\n  stop_loss: {percent: 100}\n",
         "2: exits.stop_loss.percent: expected less than 100 per cent for a stop below the price; "
         "found 100.0"),
        ("exits:\n  stop_loss: {ticks: 5}\n",
         "2: exits.stop_loss.ticks: expected a tick size to count in; found none; "
         "add instrument.tick_size"),
        ("exits:\n  stop_loss: {percent: 1}\n  max_bar: 3\n",
         "3: exits.max_bar is not a key here; did you mean max_bars? (keys: stop_loss, "
         "take_profit, trailing_stop, break_even, max_bars, session_end, atr_period, memory)"),
        ("exits:\n  max_bars: 2.5\n",
         "2: exits.max_bars: expected a whole number >= 1 and <= 1000000000; found 2.5"),
    ],
)  # fmt: skip
def test_distances(text, message):
    assert error_of(text) == message


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("  - {percent: 1, part: 50}\n  - {percent: 1, part: 50}\n",
         "4: exits.take_profit[1]: expected more than exits.take_profit[0], 1.0 percent; found "
         "1.0 percent; list the nearest target first"),
        ("  - {percent: 1, part: 50}\n  - {atr: 2, part: 50}\n",
         "4: exits.take_profit[1]: expected the unit of exits.take_profit[0], percent (amount and "
         "ticks are one); found atr"),
        ("  - {percent: 1, part: 60}\n  - {percent: 2, part: 40.5}\n",
         "2: exits.take_profit: expected parts of at most 100 per cent together; found 60.0 + "
         "40.5 = 100.5; what the parts leave stays in the position"),
        ("  - {percent: 1}\n  - {percent: 2}\n",
         "2: exits.take_profit: expected parts of at most 100 per cent together; found 100.0 + "
         "100.0 = 200.0; what the parts leave stays in the position"),
        ("".join(f"  - {{percent: {k}, part: 25}}\n" for k in range(1, 5)),
         "2: exits.take_profit: expected at most 3 targets; found 4"),
        ("  - {percent: 1, part: 0}\n",
         "3: exits.take_profit[0].part: expected a number > 0 and <= 100; found 0"),
    ],
)  # fmt: skip
def test_targets(text, message):
    assert error_of("exits:\n  take_profit:\n" + text) == message


def test_ticks_and_amounts_are_compared_by_the_tick_size():
    text = (
        "instrument: {tick_size: 0.25}\nexits:\n  take_profit:\n"
        "  - {amount: 1, part: 50}\n  - {ticks: 4, part: 50}\n"
    )
    assert error_of(text) == (
        "5: exits.take_profit[1]: expected more than exits.take_profit[0], 1.0 amount; found "
        "4.0 ticks; list the nearest target first"
    )
    parse(BARS + text.replace("ticks: 4", "ticks: 5"))


def test_parts_are_summed_in_decimals():
    parts = (33.3, 33.3, 33.4)
    targets = [f"{{percent: {k}, part: {part}}}" for k, part in enumerate(parts, start=1)]
    config = parse(BARS + f"exits: {{take_profit: [{', '.join(targets)}]}}\n")
    assert [target.part for target in config.exits.targets] == list(parts)


def test_a_single_target_means_a_list_of_one():
    one = parse(BARS + "exits: {take_profit: {percent: 1}}\n")
    same = parse(BARS + "exits: {take_profit: [{percent: 1, part: 100}]}\n")
    assert config_digest(one) == config_digest(same)
    assert isinstance(one.exits.take_profit, tuple)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("exits:\n  take_profit: {percent: 1}\n  break_even: {percent: 1.5}\n",
         "3: exits.break_even: expected less than exits.take_profit, 1.0 percent; found 1.5 "
         "percent; the stop would never move"),
        ("exits:\n  break_even: {percent: 1, offset: 1}\n",
         "2: exits.break_even.offset: expected less than the gain that moves the stop, 1.0 "
         "percent; found 1.0 percent"),
        ("exits:\n  take_profit: {atr: 2}\n  trailing_stop: {atr: 1, start: 2.5}\n",
         "3: exits.trailing_stop.start: expected less than exits.take_profit, 2.0 atr; found 2.5 "
         "atr; it would never follow"),
        ("exits:\n  trailing_stop: {percent: 250}\n",
         "2: exits.trailing_stop.percent: expected less than 100 per cent for a stop below the "
         "price; found 250.0"),
        ("direction: short_only\nexits:\n  take_profit: {percent: 120}\n",
         "3: exits.take_profit.percent: expected less than 100 per cent for the target of a short "
         "position below the price; found 120.0"),
        ("exits:\n  memory: [stop_loss, signal, stop_loss]\n",
         "2: exits.memory: expected every exit once; found stop_loss twice"),
        ("exits:\n  memory: [stop]\n",
         "2: exits.memory[0]: expected one of break_even, max_bars, reversal, session_end, signal, "
         "stop_loss, take_profit, trailing_stop; found 'stop' (text); did you mean "
         "stop_loss?"),
        ("exits:\n  memory: al\n",
         "2: exits.memory: expected one of all, none or a list, each item one of break_even, "
         "max_bars, reversal, session_end, signal, stop_loss, take_profit, trailing_stop; found "
         "'al' (text); did you mean all?"),
        ("exits:\n  session_end: {minutes: 5}\n",
         "2: exits.session_end: expected a calendar that says when sessions end; found none; "
         "add bars.calendar"),
    ],
)  # fmt: skip
def test_exits(text, message):
    assert error_of(text) == message


@pytest.mark.parametrize(
    "text",
    [
        "exits: {take_profit: {percent: 1}, break_even: {atr: 5}}",
        "exits: {take_profit: {percent: 1, part: 50}, break_even: {percent: 2}}",
        "exits: {take_profit: [{percent: 1, part: 50}, {percent: 3, part: 50}], "
        "break_even: {percent: 1}, trailing_stop: {percent: 5, start: 2}}",
        "exits: {take_profit: {percent: 120}}",
    ],
)
def test_what_cannot_be_compared_or_is_reached_passes(text):
    parse(BARS + text)


def test_a_session_ends_where_the_bars_have_a_calendar():
    class CalendarBars(BarSpec, frozen=True):
        calendar: str = ""

    exits = ExitsSpec(session_end=SessionEndSpec(minutes=5))
    strategy = StrategySpec(kernel="a")
    problems = Problems(Source())
    bars = CalendarBars(path="a", calendar="XNYS")
    check_exits(Config(bars=bars, strategy=strategy, exits=exits), problems)
    assert not problems


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("entry:\n  order: limit\n",
         "1: entry.limit is missing; expected a distance such as {percent: 0.5}, or in amount, "
         "ticks or atr, for order limit"),
        ("entry:\n  order: stop_limit\n  limit: {atr: 0}\n",
         "1: entry.stop is missing; expected a distance such as {percent: 0.5}, or in amount, "
         "ticks or atr, for order stop_limit"),
        ("entry:\n  limit: {percent: 1}\n",
         "2: entry.limit: expected only with order limit or stop_limit; found order market"),
        ("entry:\n  order: limit\n  limit: {percent: 1}\n  stop: {percent: 1}\n",
         "4: entry.stop: expected only with order stop or stop_limit; found order limit"),
        ("entry:\n  order: stop_limit\n  stop: {percent: 1}\n  limit: {atr: 1}\n",
         "4: entry.limit: expected the unit of entry.stop, percent (amount and ticks are one); "
         "found atr"),
        ("entry:\n  order: stop_limit\n  stop: {percent: 60}\n  limit: {percent: 45}\n",
         "4: entry.limit.percent: expected entry.stop + entry.limit < 100 per cent; found 60.0 + "
         "45.0 = 105.0"),
        ("entry:\n  order: limit\n  limit: {percent: 100}\n",
         "3: entry.limit.percent: expected less than 100 per cent for a limit below the price; "
         "found 100.0"),
        ("entry:\n  order: limit\n  limit: {percent: -100}\n",
         "3: entry.limit.percent: expected more than -100 per cent for a limit below the price; "
         "found -100.0"),
        ("entry:\n  time_in_force: GTD\n",
         "1: entry.bars is missing; expected a whole number >= 1, for time_in_force GTD"),
        ("entry:\n  time_in_force: DAY\n  bars: 3\n",
         "3: entry.bars: expected only with time_in_force GTD; found 3, with DAY"),
        ("entry:\n  order: stop\n  stop: {atr: 1}\n  time_in_force: IOC\n",
         "4: entry.time_in_force: expected GTC, DAY or GTD for order stop, which waits for its "
         "stop; found IOC"),
        ("execution:\n  limit_fill: touch\n  cross_ticks: 2\n",
         "3: execution.cross_ticks: expected only with execution.limit_fill cross; found 2, "
         "with touch"),
        ("execution:\n  cross_ticks: 2\n",
         "2: execution.cross_ticks: expected a tick size to count in; found none; "
         "add instrument.tick_size"),
    ],
)  # fmt: skip
def test_orders(text, message):
    assert error_of(text) == message


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("costs:\n  slippage_ticks: 1\n",
         "2: costs.slippage_ticks: expected a tick size to count in; found none; "
         "add instrument.tick_size"),
        ("costs:\n  fee_kernel: mine:fee\n  fee_bps: 2\n  fee_fixed: 1\n",
         "2: costs.fee_kernel: expected fee_kernel or fee_bps, fee_fixed; found both; the function "
         "says the whole fee"),
        ("costs:\n  fee_kernel: fee\n",
         "2: costs.fee_kernel: expected module:name of a function of your own; found 'fee' (text)"),
        ("instrument: {tick_size: 0.01}\ncosts:\n  spread_bps: 2\n  spread_ticks: 1\n",
         "3: costs.spread_bps: expected spread_bps or spread_ticks; found 2.0 bps and 1.0 ticks; "
         "set one to 0"),
        ("costs:\n  slippage_bps: 9000\n  spread_bps: 2000\n",
         "2: costs.slippage_bps: expected slippage_bps + spread_bps / 2 < 10000; found 9000.0 + "
         "2000.0 / 2 = 10000.0"),
        ("costs:\n  tiers:\n  - {from: 1e6, bps: 2}\n  - {from: 1e5, bps: 1}\n",
         "4: costs.tiers[1].from: expected more than the 1000000.0 of the tier before; "
         "found 100000.0"),
        ("costs:\n  tiers: [{from: 1, bps: 4}, {from: 2, bps: 3}, {from: 3, bps: 2}, "
         "{from: 4, bps: 1}]\n",
         "2: costs.tiers: expected at most 3 tiers; found 4"),
        ("instrument:\n  costs: {slippage_ticks: 1}\n",
         "2: instrument.costs.slippage_ticks: expected a tick size to count in; found none; "
         "add instrument.tick_size"),
        ("costs: {fee_bps: 2}\ninstrument:\n  costs: {fee_kernel: mine:fee}\n",
         "3: instrument.costs.fee_kernel: expected fee_kernel or fee_bps; found both; the function "
         "says the whole fee"),
    ],
)  # fmt: skip
def test_costs(text, message):
    assert error_of(text) == message


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("instrument:\n  currency: EUR\n",
         "2: instrument.currency: expected fx or fx_rate to convert EUR to account.currency USD; "
         "found neither; name an instrument of this run as fx, or write a constant fx_rate"),
        ("instrument:\n  currency: EUR\n  fx: EURUSD\n",
         "3: instrument.fx: expected another instrument of this run; found EURUSD (others: none; "
         "write a constant fx_rate)"),
        ("instrument:\n  currency: EUR\n  fx: EURUSD\n  fx_rate: 1.1\n",
         "3: instrument.fx: expected fx or fx_rate; found both, EURUSD and 1.1; keep one"),
        ("instrument:\n  fx_rate: 1.1\n",
         "2: instrument.fx_rate: expected nothing to convert; found a currency of USD, the same "
         "as account.currency"),
        ("account: {currency: EUR}\ninstrument:\n  currency: EUR\n  fx: EURUSD\n",
         "4: instrument.fx: expected nothing to convert; found a currency of EUR, the same as "
         "account.currency"),
        ("instrument:\n  currency: eur\n",
         "2: instrument.currency: expected a currency of 2 to 10 of A-Z 0-9, such as USD; found "
         "'eur' (text)"),
        ("instruments: []\n",
         "0: bars: expected bars or instruments; found both; move it into one of instruments"),
    ],
)  # fmt: skip
def test_one_instrument(text, message):
    if text.startswith("instruments"):
        assert message in error_of(text.replace("[]", "[{symbol: A, bars: {path: a}}]"))
    else:
        assert error_of(text) == message


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("  - symbol: AAPL\n    bars: {path: c}\n",
         "1: instruments[2].symbol: expected a symbol used once; instruments[0] has the same "
         "symbol AAPL"),
        ("  - symbol: SAP\n    bars: {path: c}\n    currency: EUR\n    fx: EURUSB\n",
         "4: instruments[2].fx: expected another instrument of this run; found EURUSB; did you "
         "mean EURUSD? (others: AAPL, EURUSD)"),
        ("  - symbol: SAP\n    bars: {path: c}\n    currency: EUR\n    fx: SAP\n",
         "4: instruments[2].fx: expected another instrument of this run; found SAP (others: AAPL, "
         "EURUSD)"),
        ("  - {symbol: FX, bars: {path: c}, currency: CHF, fx_rate: 1.1}\n"
         "  - symbol: SAP\n    bars: {path: c}\n    currency: EUR\n    fx: FX\n",
         "5: instruments[3].fx: expected an instrument priced in account.currency USD; found FX, "
         "priced in CHF"),
        ("  - symbol: SAP\n    bars:\n      path: c\n      symbol: SAB\n",
         "4: instruments[2].bars.symbol: expected SAP, the symbol of the instrument, or nothing; "
         "found SAB"),
        ("  - symbol: SAP\n    bars:\n      path: c\n      timezone: Nowhere\n",
         "4: instruments[2].bars.timezone: expected a time zone such as UTC or America/New_York; "
         "found 'Nowhere'"),
        ("  - symbol: SAP\n",
         "1: instruments[2].bars is missing; expected a section with the keys path, format, "
         "symbol, timeframe, stamp, timezone, columns, unit, gaps, duplicates, missing, invalid, "
         "off_grid, start, end"),
        ("  - symbol: a/b\n    bars: {path: c}\n",
         "1: instruments[2].symbol: expected a symbol of 1 to 64 of A-Z a-z 0-9 . _ -; found "
         "'a/b' (text)"),
        ("exits:\n  stop_loss: {ticks: 5}\n",
         "2: exits.stop_loss.ticks: expected a tick size to count in; found none; "
         "add instruments[0].tick_size, instruments[1].tick_size"),
        ("risk:\n  max_sector_percent: 30\n",
         "2: risk.max_sector_percent: expected every instrument to have a sector; found none; "
         "add instruments[0].sector, instruments[1].sector"),
        ("instrument: {lot_size: 2}\n",
         "1: instrument: expected instrument or instruments; found both; move it into one of "
         "instruments"),
        ("sizing: {kind: fixed, quantity: 1.5}\n",
         "1: sizing.quantity: expected a whole multiple of instruments[0].lot_size; found 1.5, "
         "with a lot size of 1.0; nearest: 1.0 or 2.0"),
    ],
)  # fmt: skip
def test_several_instruments(text, message):
    if "quantity" in text:
        assert errors_of(TWO + text)[0].endswith(message.removeprefix("1: "))
    else:
        assert error_of(text, TWO) == message


def test_no_instrument_at_all():
    (message,) = errors_of(HEAD + "instruments: []\n")
    assert message == "x.yaml:2: instruments: expected at least 1 instrument; found a list of 0"
    (message,) = errors_of(HEAD)
    assert message.startswith("x.yaml: bars is missing; expected a section with the keys path, ")
    assert message.endswith(", or else instruments")


def test_bars_and_instruments_of_python_exclude_each_other():
    config = parse(TWO)
    assert validate(config) == config
    both = Config(bars=BarSpec(path="a"), strategy=config.strategy, instruments=config.instruments)
    with pytest.raises(ConfigError, match="bars: expected bars or instruments; found both"):
        validate(both)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("account: {leverage: 2, maintenance_percent: 60}\n",
         "1: account.maintenance_percent: expected less than 100 / account.leverage = 50.0; found "
         "60.0, with a leverage of 2.0; it would close at once"),
        ("sizing: {kind: percent, percent: 150}\n",
         "1: sizing.percent: expected at most 100 * account.leverage = 100.0; found 150.0"),
        ("account: {leverage: 2}\nsizing: {kind: kelly, most_percent: 250}\n",
         "2: sizing.most_percent: expected at most 100 * account.leverage = 200.0; found 250.0"),
        ("sizing: {kind: kelly, before_percent: 60, most_percent: 50}\n",
         "1: sizing.before_percent: expected at most sizing.most_percent, 50.0; found 60.0"),
        ("sizing: {kind: volatility, percent: 15}\nmetrics: {risk_free: 0}\n",
         "2: metrics.periods_per_year: expected a number such as 252, for sizing of kind "
         "volatility; found counted"),
        ("sizing: {kind: kernel, kernel: size}\n",
         "1: sizing.kernel: expected module:name of a function of your own; found 'size' (text)"),
        ("risk: {max_position_percent: 20, max_gross_percent: 10}\n",
         "1: risk.max_position_percent: expected at most risk.max_gross_percent, 10.0; found "
         "20.0; no position is more than all of them"),
        ("risk: {max_net_percent: 20, max_gross_percent: 10}\n",
         "1: risk.max_net_percent: expected at most risk.max_gross_percent, 10.0; found 20.0; net "
         "exposure is never more than gross"),
        ("instrument: {sector: x}\nrisk: {max_sector_percent: 20, max_gross_percent: 10}\n",
         "2: risk.max_sector_percent: expected at most risk.max_gross_percent, 10.0; found 20.0; "
         "no sector is more than all positions"),
        ("instrument: {sector: x}\nrisk: {max_sector_percent: 20, max_position_percent: 30}\n",
         "2: risk.max_position_percent: expected at most risk.max_sector_percent, 20.0; found "
         "30.0; no position is more than its sector"),
        ("risk: {max_daily_loss_percent: 20, max_drawdown_percent: 10}\n",
         "1: risk.max_daily_loss_percent: expected at most risk.max_drawdown_percent, 10.0; found "
         "20.0; the drawdown would halt before"),
        ("instrument: {lot_size: 10}\nrisk: {max_position: 5}\n",
         "2: risk.max_position: expected at least one lot (instrument.lot_size), 10.0; found 5.0"),
        ("risk: {max_orders_per_day: 0}\n",
         "1: risk.max_orders_per_day: expected a whole number >= 1 and <= 1000000000; found 0"),
    ],
)  # fmt: skip
def test_account_sizing_and_limits(text, message):
    assert error_of(text) == message


def test_risk_sizing_needs_a_stop():
    (message,) = errors_of(BARS + "exits: {}\nsizing: {kind: risk, percent: 1}\n")
    assert message == (
        "x.yaml:3: exits.stop_loss is missing; expected a distance such as {percent: 0.5}, for "
        "sizing of kind risk"
    )
    parse(BARS + "exits: {stop_loss: {percent: 2}}\nsizing: {kind: risk, percent: 1}\n")
