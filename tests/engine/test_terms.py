"""From a configuration to the constants of the kernels."""

import math

import pytest
from hypothesis import HealthCheck, given, settings

from admf_fast.config import instruments_of, parse_config, validate
from admf_fast.errors import ConfigError
from admf_fast.runners import terms as mapping
from admf_kernels.execution import reasons, terms
from admf_kernels.execution.terms import (
    LOTS_MAX,
    Account,
    Entry,
    Exits,
    Instrument,
    Limits,
    Uses,
)
from admf_kernels.execution.uses import make_terms
from tests.config.any_config import CONFIGS

HEAD = "bars: {path: a.csv, symbol: X}\nstrategy: {kernel: sma_cross}\n"
TICKS = "instrument: {tick_size: 0.01}\n"
PLAIN = Uses()


def config_of(text="", head=HEAD):
    return parse_config(head + text, name="x.yaml", format="yaml")


def mapped(function, text="", **options):
    config = config_of(text)
    (instrument,) = instruments_of(config)
    return function(config, instrument, **options)


def test_nothing_said_means_the_defaults_of_the_kernels():
    assert mapped(mapping.account_of) == Account()
    assert mapped(mapping.instrument_of) == Instrument()
    assert mapped(mapping.entry_of) == Entry()
    assert mapped(mapping.exits_of) == Exits()
    assert mapped(mapping.limits_of) == Limits()
    assert mapped(mapping.terms_of).uses == PLAIN


def test_account():
    text = """
account: {cash: 5000, leverage: 2, maintenance_percent: 25, interest_percent: 6}
execution: {fill: same_close, limit_fill: touch, both_hit: nearest_open, entry_bar: next_bar,
            max_volume_percent: 10}
direction: short_only
"""
    assert mapped(mapping.account_of, text) == Account(
        cash=5000.0,
        fill=terms.SAME_CLOSE,
        long_allowed=False,
        short_allowed=True,
        both_hit=terms.NEAREST_OPEN,
        entry_bar=terms.NEXT_BAR,
        touch=True,
        participation=0.1,
        leverage=2.0,
        maintenance=0.25,
        interest_rate=0.06,
    )


@pytest.mark.parametrize(
    ("text", "fields"),
    [
        ("sizing: {kind: fixed, quantity: 0.07}\ninstrument: {lot_size: 0.01}",
         {"sizing": terms.FIXED, "sizing_value": 7.0}),
        ("sizing: {kind: percent, percent: 50}", {"sizing": terms.PERCENT, "sizing_value": 0.5}),
        ("sizing: {kind: all_in}", {}),
        ("sizing: {kind: risk, percent: 1, most_percent: 40}\nexits: {stop_loss: {atr: 2}}",
         {"sizing": terms.RISK, "sizing_value": 0.01, "sizing_most": 0.4}),
        ("sizing: {kind: volatility, percent: 15}\nmetrics: {periods_per_year: 252}",
         {"sizing": terms.VOLATILITY, "sizing_value": 0.15, "sizing_periods": 252.0}),
        ("sizing: {kind: kelly, fraction: 0.25, trades: 50, before_percent: 5}",
         {"sizing": terms.KELLY, "sizing_value": 0.25, "sizing_trades": 50.0,
          "sizing_before": 0.05}),
        ("sizing: {kind: kernel, kernel: 'mine:size', most_percent: 80}",
         {"sizing": terms.CUSTOM, "sizing_most": 0.8}),
    ],
)  # fmt: skip
def test_sizing(text, fields):
    assert mapped(mapping.account_of, text) == Account()._replace(**fields)


def test_a_quantity_whose_lots_cannot_be_counted_is_refused():
    """Beyond whole numbers of a float64, lots would wrap around as int64."""
    text = "sizing: {{kind: fixed, quantity: {!r}}}"
    assert mapped(mapping.account_of, text.format(LOTS_MAX)).sizing_value == LOTS_MAX
    with pytest.raises(ConfigError, match=r"x.yaml:3: .*at most 281474976710656 lots"):
        mapped(mapping.account_of, text.format(2 * LOTS_MAX))


def test_instrument():
    text = """
instrument: {lot_size: 10, tick_size: 0.25, multiplier: 50, currency: EUR, fx_rate: 1.5,
             borrow_percent: 3, funding_percent: -2}
execution: {cross_ticks: 2}
costs: {fee_bps: 5, maker_bps: 2, fee_per_share: 0.5, fee_fixed: 2, fee_minimum: 3,
        tiers: [{from: 1e5, bps: 4}, {from: 1e6, bps: 3}],
        slippage_bps: 1, slippage_ticks: 3, spread_ticks: 1, impact_percent: 20}
"""
    assert mapped(mapping.instrument_of, text) == Instrument(
        lot_size=10.0,
        lot_value=750.0,
        ticks=4.0,
        cross=0.375,
        fee_rate=5.0 * 1e-4,
        fee_rate_maker=2.0 * 1e-4,
        fee_per_unit=0.5,
        fee_fixed=2.0,
        fee_minimum=3.0,
        fee_tiers=2,
        fee_from_1=1e5,
        fee_rate_1=4.0 * 1e-4,
        fee_from_2=1e6,
        fee_rate_2=3.0 * 1e-4,
        slippage_rate=1e-4,
        slippage_amount=0.875,
        slippage_impact=0.2,
        borrow_rate=0.03,
        funding_rate=-0.02,
    )


def test_an_instruments_own_costs_stand_in_place_of_the_runs():
    text = """\
strategy: {kernel: sma_cross}
costs: {fee_bps: 2, slippage_bps: 1}
instruments:
  - {symbol: A, bars: {path: a}, costs: {fee_bps: 0, spread_bps: 4}}
  - {symbol: B, bars: {path: b}}
"""
    config = config_of(text, head="")
    own, others = (mapping.instrument_of(config, i) for i in instruments_of(config))
    assert (own.fee_rate, own.fee_rate_maker, own.slippage_rate) == (0.0, 0.0, 3.0 * 1e-4)
    assert (others.fee_rate, others.slippage_rate) == (2.0 * 1e-4, 1e-4)
    assert others.fee_rate_maker == others.fee_rate


def test_ticks_are_counted_in_decimals():
    text = "instrument: {tick_size: 0.1}\nexits: {stop_loss: {ticks: 3}}"
    assert mapped(mapping.exits_of, text).stop_value == 0.3


def test_instruments_are_listed_alike():
    (one,) = instruments_of(config_of("account: {currency: EUR}\ninstrument: {lot_size: 5}"))
    assert (one.symbol, one.bars.path, one.lot_size, one.currency) == ("X", "a.csv", 5.0, "EUR")
    text = "strategy: {kernel: a}\ninstruments: [{symbol: A, bars: {path: a}}]"
    (listed,) = instruments_of(config_of(text, head=""))
    assert (listed.symbol, listed.bars.symbol, listed.currency) == ("A", "A", "USD")


@pytest.mark.parametrize(
    ("tick_size", "ticks"), [(0.01, 100.0), (0.1, 10.0), (5.0, 0.2), (1 / 3, 3.0), (1e-8, 1e8)]
)
def test_ticks_in_a_price_of_one(tick_size, ticks):
    assert mapping.ticks_in_one(tick_size) == ticks


def test_crossing():
    for text, cross in (
        ("", 0.0),
        (TICKS, 0.005),
        (TICKS + "execution: {limit_fill: touch}", 0.0),
        (TICKS + "execution: {cross_ticks: 3}", 0.025),
    ):
        assert mapped(mapping.instrument_of, text).cross == cross


@pytest.mark.parametrize(
    ("text", "entry"),
    [
        ("order: limit, limit: {percent: 0.5}", Entry(reasons.LIMIT, 0, terms.FRACTION, 0.005)),
        ("order: limit, limit: {ticks: -7}", Entry(reasons.LIMIT, 0, terms.AMOUNT, -0.07)),
        ("order: stop, stop: {atr: 2}, time_in_force: DAY",
         Entry(reasons.STOP, reasons.DAY, terms.ATR, 0.0, 2.0)),
        ("order: stop_limit, stop: {amount: 2}, limit: {ticks: 50}, time_in_force: GTD, bars: 5",
         Entry(reasons.STOP_LIMIT, reasons.GTD, terms.AMOUNT, -2.5, 2.0, 5.0)),
        ("order: market_on_close, time_in_force: FOK", Entry(reasons.AT_CLOSE, reasons.FOK)),
    ],
)  # fmt: skip
def test_entry(text, entry):
    assert mapped(mapping.entry_of, f"{TICKS}entry: {{{text}}}") == entry


def test_exits():
    text = f"""{TICKS}
exits:
  stop_loss: {{percent: 0.075}}
  take_profit: [{{ticks: 7, part: 50}}, {{amount: 0.5, part: 30}}]
  trailing_stop: {{atr: 3, start: 1, follow: close}}
  break_even: {{ticks: 5, offset: 1}}
  max_bars: 50
  memory: [stop_loss, session_end]
"""
    assert mapped(mapping.exits_of, text) == Exits(
        stop=terms.FRACTION,
        stop_value=0.075 / 100.0,
        target=terms.AMOUNT,
        target_1=0.07,
        target_2=0.5,
        part_1=0.5,
        part_2=0.3,
        trail=terms.ATR,
        trail_value=3.0,
        trail_start=1.0,
        trail_close=True,
        even=terms.AMOUNT,
        even_value=0.05,
        even_offset=0.01,
        max_bars=50.0,
        memory=1 << reasons.STOP_LOSS | 1 << reasons.SESSION_END,
    )


def test_memory():
    for text, memory in (("all", -1), ("none", 0), ("[]", 0), ("[signal]", 1 << reasons.SIGNAL)):
        assert mapped(mapping.exits_of, f"exits: {{memory: {text}}}").memory == memory


def test_limits():
    text = """
instrument: {lot_size: 0.01, sector: tech}
risk: {max_position_percent: 20, max_position: 0.29, max_gross_percent: 150, max_net_percent: 50,
       max_sector_percent: 40, max_daily_loss_percent: 2, max_drawdown_percent: 10,
       max_orders_per_day: 9, max_trades_per_day: 4, on_halt: keep}
"""
    assert mapped(mapping.limits_of, text) == Limits(
        0.2, 29.0, 1.5, 0.5, 0.4, 0.02, 0.1, 9.0, 4.0, False
    )


FLAGS = [
    ("entry: {order: limit, limit: {percent: 1}}", {"resting", "leaving"}),
    ("entry: {order: market_on_open}", {"resting", "leaving", "sessions"}),
    ("entry: {time_in_force: DAY}", {"sessions"}),
    ("entry: {time_in_force: IOC}", set()),
    ("exits: {stop_loss: {percent: 1}}", {"resting", "brackets"}),
    ("exits: {take_profit: {atr: 1}}", {"resting", "brackets", "targets", "atr"}),
    ("exits: {trailing_stop: {percent: 1}}", {"resting", "brackets", "following"}),
    ("exits: {break_even: {percent: 1}}", {"resting", "brackets", "following"}),
    ("exits: {max_bars: 5}", {"leaving", "max_bars"}),
    ("exits: {memory: none}", set()),
    ("risk: {max_position: 5}", {"limits", "leaving"}),
    ("risk: {max_gross_percent: 50}", {"limits", "leaving"}),
    ("risk: {max_orders_per_day: 5}", {"limits", "leaving", "sessions"}),
    ("risk: {max_daily_loss_percent: 5}", {"limits", "sessions", "leaving"}),
    ("risk: {max_drawdown_percent: 5}", {"limits", "leaving"}),
    ("risk: {max_drawdown_percent: 5, on_halt: keep}", {"limits", "leaving"}),
    ("execution: {fill: same_close}", {"same_close"}),
    ("sizing: {kind: volatility, percent: 9}\nmetrics: {periods_per_year: 252}", {"deviation"}),
    ("execution: {max_volume_percent: 5}", {"volume", "resting"}),
    ("execution: {limit_fill: touch, both_hit: target_first}", set()),
    ("costs: {impact_percent: 5}", {"volume"}),
    ("costs: {fee_bps: 5, slippage_bps: 1, spread_bps: 1}", set()),
    ("account: {leverage: 2}", {"margin", "leaving"}),
    ("account: {maintenance_percent: 20}", {"margin", "leaving"}),
    ("account: {interest_percent: 5}", {"financing"}),
    ("instrument: {borrow_percent: 5}", {"financing"}),
    ("instrument: {funding_percent: -5}", {"financing"}),
    ("instrument: {actions: {path: a.csv}}", {"actions"}),
]


@pytest.mark.parametrize(("text", "flags"), FLAGS)
def test_every_section_switches_on_what_it_needs_and_nothing_else(text, flags):
    uses = mapped(mapping.terms_of, text).uses
    assert {name for name, value in uses._asdict().items() if value} == flags


def test_every_part_of_the_engine_is_switched_on_by_something():
    found = set().union(*(flags for _, flags in FLAGS)) | {
        "requests", "clock", "session_end",
        "venue",  # by `with_venue`, not by a configuration
    }  # fmt: skip
    assert found == set(Uses._fields)
    asking = PLAIN._replace(requests=2, resting=True, brackets=True, targets=1, sessions=True)
    assert mapped(mapping.terms_of, requests=2).uses == asking
    assert mapped(mapping.terms_of, clock=True).uses == PLAIN._replace(clock=True)


def test_the_session_end_needs_sessions():
    uses = make_terms(x=Exits(session_end=True)).uses
    flags = ("resting", "leaving", "sessions", "session_end")
    assert uses == PLAIN._replace(**dict.fromkeys(flags, True))


def test_targets_are_counted():
    for parts, targets in ((("100",), 1), (("50", "50"), 2), (("20", "30", "10"), 3)):
        listed = ", ".join(f"{{percent: {k}, part: {p}}}" for k, p in enumerate(parts, start=1))
        assert (
            mapped(mapping.terms_of, f"exits: {{take_profit: [{listed}]}}").uses.targets == targets
        )


def test_columns_that_exits_and_sizing_need():
    text = "exits: {atr_period: 20, stop_loss: {atr: 2}}"
    assert mapping.atr_period_of(config_of(text)) == 20
    assert mapping.atr_period_of(config_of(text.replace("atr: 2", "percent: 2"))) == 0
    text = "metrics: {periods_per_year: 252}\nsizing: {kind: volatility, percent: 10, bars: 50}"
    assert mapping.volatility_bars_of(config_of(text)) == 50
    assert mapping.volatility_bars_of(config_of()) == 0


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(CONFIGS)
def test_any_valid_configuration_has_terms_and_its_uses_cover_them(drawn):
    config = validate(drawn)
    for instrument in instruments_of(config):
        a = mapping.account_of(config, instrument)
        n = mapping.instrument_of(config, instrument)
        e = mapping.entry_of(config, instrument)
        x = mapping.exits_of(config, instrument)
        r = mapping.limits_of(config, instrument)
        uses = make_terms(a, n, e, x, r, actions=bool(instrument.actions)).uses

        for found, kind in ((a, Account), (n, Instrument), (e, Entry), (x, Exits), (r, Limits)):
            for value, (name, default) in zip(found, kind._field_defaults.items(), strict=True):
                assert type(value) is type(default), name
                assert not math.isnan(value), name
        assert n.lot_value > 0.0
        assert math.isfinite(n.lot_value)
        exits, risk = config.exits, config.risk
        assert uses.targets == len(exits.targets)
        assert uses.brackets == bool(
            exits.stop_loss or exits.targets or exits.trailing_stop or exits.break_even
        )
        waits = config.entry.order != "market" or uses.brackets or x.session_end
        waits = waits or a.participation > 0.0  # what the volume leaves keeps working
        assert uses.resting == waits
        assert bool(uses.following) == bool(exits.trailing_stop or exits.break_even)
        assert uses.max_bars == bool(exits.max_bars)
        assert uses.limits == any(
            getattr(risk, key) for key in risk.__struct_fields__ if key.startswith("max_")
        )
        assert uses.actions == bool(instrument.actions)
        assert uses.margin == (config.account.leverage != 1.0 or a.maintenance > 0.0)
