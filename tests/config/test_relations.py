"""Every relation of orders and exits, told with its place and its numbers."""

import pytest

from admf_fast.config import Config, StrategySpec, config_digest
from admf_fast.config.exit_rules import check_exits
from admf_fast.config.exits import ExitsSpec, SessionEndSpec
from admf_fast.config.model import BarSpec
from admf_fast.config.source import Problems, Source
from tests.config.told import BARS, HEAD, error_of, parse


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
         "take_profit, trailing_stop, break_even, max_bars, session_end, base, "
         "atr_period, memory)"),
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
        ("exits:\n  base: close\n",
         "2: exits.base: expected only with execution.entry_bar none, or fill same_close; found "
         "close, with pessimistic"),
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
        ("sizing:\n  kind: all_in\n  at: fill\nentry:\n  order: stop\n  stop: {percent: 1}\n",
         "3: sizing.at: expected only with order market; found fill, with stop"),
        ("execution:\n  cross_ticks: 2\n",
         "2: execution.cross_ticks: expected a tick size to count in; found none; "
         "add instrument.tick_size"),
    ],
)  # fmt: skip
def test_orders(text, message):
    assert error_of(text) == message


@pytest.mark.parametrize(("key", "value"), [("order", "market_on_close"), ("time_in_force", "DAY")])
def test_orders_until_a_session_ends_need_to_know_when(key, value):
    """Bars of a day are sessions; of shorter ones nothing but a calendar says it."""
    entry = f"entry: {{{key}: {value}}}\n"
    message = (
        f"1: entry.{key}: expected a calendar that says when sessions end, for bars shorter than "
        f"a day; found {value} and no calendar; add %s: that of the market, or 24/7, whose "
        "sessions are days in UTC"
    )
    minutes = HEAD + "bars: {path: a.csv, timeframe: 5m}\n"
    legs = ", ".join(
        f"{{symbol: {frame}, bars: {{path: a, timeframe: {frame}}}}}" for frame in ("1d", "1h")
    )
    several = f"{HEAD}instruments: [{legs}]\n"

    assert error_of(entry, minutes) == message % "bars.calendar"
    assert error_of(entry, several) == message % "instruments[1].bars.calendar"
    for head in (BARS, minutes.replace("5m", "1d"), minutes.replace("5m", "5m, calendar: 24/7")):
        parse(head + entry)
