"""Every relation of instruments, costs, account, sizing and limits, told with its numbers."""

import pytest

from admf_fast.config import Config, validate
from admf_fast.config.model import BarSpec
from admf_fast.errors import ConfigError
from admf_kernels.timeframe import TIMEFRAMES
from tests.config.told import BARS, HEAD, TWO, error_of, errors_of, parse


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
        ("costs:\n  tiers:\n  - {from: 1e6, bps: 2}\n  - {from: 1e6, bps: 1}\n",
         "4: costs.tiers[1].from: expected more than the 1000000.0 of the tier before; "
         "found 1000000.0"),
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
         "off_grid, calendar, start, end"),
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


@pytest.mark.parametrize(
    "bars", ["path: c.CSV", "path: [c.parquet, d.csv]", "path: c.txt, format: csv"]
)
def test_csv_of_several_instruments_has_to_be_declared(bars):
    text = f"  - symbol: SAP\n    bars: {{{bars}}}\n"
    missing = [
        "x.yaml:8: instruments[2].bars.timeframe is missing; expected one of KNOWN, which CSV "
        "cannot say",
        "x.yaml:8: instruments[2].bars.stamp is missing; expected open or close, which CSV cannot "
        "say",
    ]

    assert errors_of(TWO + text) == [
        line.replace("KNOWN", " ".join(TIMEFRAMES)) for line in missing
    ]
    parse(TWO + text.replace("path", "timeframe: 1d, stamp: open, path"))


def test_longer_bars_have_to_fit_the_bars_of_every_instrument():
    """Where the length of those is declared."""
    feature = "features:\n  - {name: a, kernel: sma, params: {period: 3}, timeframe: 1h}\n"
    bars = "bars: {timeframe: 4h, path: "

    assert parse(TWO + feature)
    assert error_of(feature, TWO.replace("bars: {path: ", bars)) == (
        "2: features[0].timeframe: expected a timeframe of several whole bars of bars.timeframe "
        "4h, found 1h, for AAPL"
    )
    second = TWO.replace("bars: {path: b", f"{bars}b")
    assert error_of(feature, second).endswith("bars.timeframe 4h, found 1h, for EURUSD")


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


def test_run_costs_in_ticks_spare_an_instrument_with_its_own():
    costs = "costs: {slippage_ticks: 1}\n"
    own = TWO.replace("b.parquet}\n", "b.parquet}\n    costs: {slippage_ticks: 0}\n")
    own = own.replace("a.parquet}\n", "a.parquet}\n    tick_size: 0.01\n")
    parse(own + costs)
    assert error_of(costs, TWO) == (
        "1: costs.slippage_ticks: expected a tick size to count in; found none; "
        "add instruments[0].tick_size, instruments[1].tick_size"
    )


def test_a_fault_of_the_runs_costs_is_told_once():
    own = TWO.replace("b.parquet}\n", "b.parquet}\n    costs: {fee_fixed: 1}\n")
    text = "costs: {slippage_bps: 9000, spread_bps: 9000}\n"
    assert error_of(text, own).startswith("1: costs.slippage_bps: expected slippage_bps + ")
