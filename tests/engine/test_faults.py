"""The directed cases have teeth: each fault in a copy of the engine fails the cases it concerns.

The cases are run in plain Python on the faulty copy. They also reach every word of the event
log that this part of the engine can write.
"""

import inspect
import itertools
from collections import Counter
from collections.abc import Iterator
from typing import Any, ClassVar

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from admf_kernels.execution import reasons
from tests.engine import (
    test_accounting,
    test_exits,
    test_matching,
    test_requests,
    test_risk,
    test_whole_exits,
)
from tests.engine.any_terms import hostile_run
from tests.engine.mutants import mutant
from tests.engine.stage import Mirrored, Outcome

SUITES = (test_matching, test_exits, test_requests, test_risk)

# module of the engine, a text in it, another in its place; a case that must notice
FAULTS = {
    "a stop fills at its price through a gap": (
        "matching", "return Meeting(AT_THE_OPEN, bar.open, False)\n    if (bar.high >= trigger)",
        "return Meeting(AT_THE_OPEN, trigger, False)\n    if (bar.high >= trigger)",
        "test_a_stop_fills_at_the_stop_or_at_an_open_beyond_it",
    ),
    "a limit gets no better open": (
        "matching", "bar.open, limit, buying):\n        return Meeting(AT_THE_OPEN, bar.open, ",
        "bar.open, limit, buying):\n        return Meeting(AT_THE_OPEN, limit, ",
        "test_a_target_fills_at_its_limit_or_better",
    ),
    "a touch fills a limit": (
        "matching", "price < limit - t.n.cross if buying else price > limit + t.n.cross",
        "price <= limit - t.n.cross if buying else price >= limit + t.n.cross",
        "test_a_target_fills_at_its_limit_or_better",
    ),
    "the target is hit first": (
        "matching", "INSIDE if stop == (t.a.both_hit != TARGET_FIRST)",
        "INSIDE if stop == (t.a.both_hit == TARGET_FIRST)",
        "test_stop_and_target_in_one_bar",
    ),
    "the stop of a short is below its entry": (
        "brackets", "level = base - side * distance(x.stop", "level = base - distance(x.stop",
        "test_a_stop_fills_at_the_stop_or_at_an_open_beyond_it",
    ),
    "the trail follows this bar's high at once": (
        "bar", "    for _ in range(2 if ending else 1):",
        "    if d.q.lots != 0.0 and t.uses.following != 0:\n        follow(t, d, bar)\n"
        "    for _ in range(2 if ending else 1):",
        "test_a_trailing_stop_does_not_use_the_high_of_the_bar_it_is_in",
    ),
    "the trail follows back": (
        "following", "(level - g.stop) * side > 0.0", "level != g.stop",
        "test_a_trailing_stop_follows_closes",
    ),
    "exits outlive their position": (
        "fills", "        cancel_exits(t, d, k)", "        pass",
        "test_stop_and_target_in_one_bar",
    ),
    "an entry inside the bar sees its target at any high": (
        "matching", "if _passed(t, bar.close, order.limit, buying):  # after",
        "if _passed(t, bar.high, order.limit, buying):  # after",
        "test_an_entry_inside_the_bar_sees_what_surely_follows",
    ),
    "a stop-limit needs no stop": (
        "aging", "if (bar.high >= o.stop) if o.lots > 0.0 else (bar.low <= o.stop):", "if True:",
        "test_a_stop_limit_is_a_limit_once_its_stop_was_reached",
    ),
    "an order outlives its session": (
        "aging", "return bool(t.uses.sessions and o.tif == DAY and bar.minutes_left <= 0.0)",
        "return False",
        "test_a_day_order_ends_with_its_session",
    ),
    "what is to be filled at once waits": (
        "aging", "if o.tif == IOC or o.tif == FOK:", "if False:",
        "test_a_limit_at_once_has_one_bar",
    ),
    "volume is without limit": (
        "fills", "abs(possible) > d.now.volume_left", "False",
        "test_what_is_not_filled_at_once_is_canceled",
    ),
    "an order may wait one bar longer": (
        "aging", "bar.number >= o.until_bar", "bar.number > o.until_bar",
        "test_an_entry_waits_no_more_bars_than_it_may",
    ),
    "a replaced order is a new one": (
        "requests", "        o.id = old\n", "",
        "test_a_request_is_replaced_and_keeps_its_number",
    ),
    "a reducing order may turn": (
        "fills", "return o.lots if abs(o.lots) < abs(q.lots) else -q.lots", "return o.lots",
        "test_what_may_only_reduce_never_opens_or_turns",
    ),
    "stops on the wrong side are taken": (
        "entries", "if (o.stop <= close) if buying else (o.stop >= close):", "if False:",
        "test_what_is_impossible_is_rejected_with_its_reason",
    ),
    "half a lot is a lot": (
        "requests", "size = int(size + 1e-9) * 1.0", "size = int(size + 0.5) * 1.0",
        "test_what_is_impossible_is_rejected_with_its_reason",
    ),
    "stops are rounded to the market": (
        "brackets", "rounded(t.n, level, side < 0.0) if", "rounded(t.n, level, side > 0.0) if",
        "test_a_protective_stop_is_rounded_away_from_the_market",
    ),
    "an exit is forgotten": (
        "bar", "    if intent.blocked * signal > 0.0:\n        return\n", "",
        "test_the_same_signal_is_not_followed_after_an_exit_that_is_remembered",
    ),
    "a halt does not close": (
        "risk", "return int(d.guard.halt)", "return NO_ROLE",
        "test_a_halt_closes_what_is_open_and_denies_what_opens",
    ),
    "reducing is denied": (
        "risk", "    if abs(goal) <= abs(d.q.lots) and goal * d.q.lots >= 0.0:\n        return "
        "NO_REASON\n", "",
        "test_what_reduces_is_accepted_beyond_any_limit",
    ),
    "a short pays no borrowing": (
        "bar", "cost -= value * t.n.borrow_rate", "cost -= 0.0",
        "test_borrowing_costs_by_the_time_a_short_is_held",
    ),
    "the extremes are those of the whole last bar": (
        "fills", "highest = at if at > span.highest else span.highest",
        "highest = bar.high if bar.high > span.highest else span.highest",
        "test_a_trade_says_how_far_it_went_against_and_for_it",
    ),
}  # fmt: skip
# Faults of the money, which sums over random runs must notice.
MONEY = {
    "a fee only on entry": (
        "fills", "d.wallet.cash = cash_after(cash, lots, bar.worth, at, fee)",
        "d.wallet.cash = cash_after(cash, lots, bar.worth, at, fee if before == 0.0 else 0.0)",
    ),
    "a fee is counted and not paid": (
        "costs", "return cash - lots * worth * price - fee", "return cash - lots * worth * price",
    ),
    "slippage is logged and not paid": (
        "fills", "d.wallet.cash = cash_after(cash, lots, bar.worth, at, fee)",
        "d.wallet.cash = cash_after(cash, lots, bar.worth, price, fee)",
    ),
    "financing is counted and not paid": (
        "bar", "    d.wallet.cash -= cost\n", "",
    ),
    "a trade shares no fee": (
        "portfolio", "q.fees = fee - fee_closing", "q.fees = fee",
    ),
    "lots of a partial exit are lost": (
        "portfolio", "    q.exit_value += closing * worth * price\n",
        "    q.exit_value += closing * price * worth * (0.0 if closing < held else 1.0)\n",
    ),
}  # fmt: skip


def cases(function: Any) -> Iterator[dict[str, Any]]:
    """Yield the arguments of a test besides the stage, one dict for each of its cases."""
    marks = [m for m in getattr(function, "pytestmark", []) if m.name == "parametrize"]
    choices = []
    for mark in marks:
        names = [mark.args[0]] if isinstance(mark.args[0], str) else list(mark.args[0])
        rows = [row if len(names) > 1 else (row,) for row in mark.args[1]]
        choices.append([dict(zip(names, row, strict=True)) for row in rows])
    for chosen in itertools.product(*choices):
        yield {name: value for part in chosen for name, value in part.items()}


def staged(module: Any) -> dict[str, Any]:
    """Return the tests of a module that are played on a stage."""
    found = {n: f for n, f in vars(module).items() if n.startswith("test_") and callable(f)}
    return {n: f for n, f in found.items() if "play" in inspect.signature(f).parameters}


TESTS = {name: f for module in SUITES for name, f in staged(module).items()}


def failing(engine: Any, names: tuple[str, ...]) -> set[str]:
    """Return which of the tests fail on an engine."""
    found = set()
    for name in names:
        for chosen, short in itertools.product(cases(TESTS[name]), (False, True)):
            try:
                TESTS[name](Mirrored(engine, short), **chosen)
            except Exception:  # an order in a state that may not be, a price of nothing
                found.add(name)
    return found


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_is_noticed_by_its_case(name, monkeypatch):
    module, old, new, case = FAULTS[name]
    engine = mutant(module, (old, new))
    if case not in TESTS:  # played on no stage: the honest one is replaced
        monkeypatch.setattr("tests.engine.stage.HONEST", engine)
        with pytest.raises(AssertionError):
            getattr(test_risk, case)()
        return

    assert failing(engine, (case,)) == {case}


def test_without_a_fault_no_case_fails():
    assert failing(mutant("bar"), tuple(TESTS)) == set()


@pytest.mark.parametrize("name", MONEY)
def test_a_fault_of_the_money_is_noticed_by_its_sums(name, monkeypatch):
    module, old, new = MONEY[name]
    engine = mutant(module, (old, new))
    monkeypatch.setattr(
        test_accounting,
        "hostile_run",
        lambda terms, seed: hostile_run(terms, seed, engine=engine),
    )
    sums = [f for n, f in vars(test_accounting).items() if n.startswith("test_")]
    few = settings(max_examples=25, deadline=None, derandomize=True, phases=[Phase.generate])

    def fails(test: Any) -> bool:
        try:
            few(given(test_accounting.any_run)(test.hypothesis.inner_test))()
        except Exception:
            return True
        return False

    assert any(fails(test) for test in sums)


OF_WHOLE_RUNS = (
    "a stop fills at its price through a gap", "a limit gets no better open",
    "a touch fills a limit", "the target is hit first", "the stop of a short is below its entry",
    "the trail follows this bar's high at once", "the trail follows back",
)  # fmt: skip


@pytest.mark.parametrize("name", OF_WHOLE_RUNS)
def test_a_fault_is_noticed_by_the_simple_backtest(name):
    module, old, new, _ = FAULTS[name]
    engine = mutant(module, (old, new))
    whole = test_whole_exits
    few = settings(max_examples=150, deadline=None, derandomize=True, phases=[Phase.generate])

    @few
    @given(whole.rules(), whole.bars(), st.lists(whole.signals, min_size=24, max_size=24))
    def compared(rules, bars, wanted):
        whole.compare(rules, bars, wanted, engine)

    with pytest.raises(AssertionError):
        compared()


class Listening(Mirrored):
    """Remembers every word of the events it saw."""

    seen: ClassVar[Counter[tuple[str, str]]] = Counter()

    def __call__(self, *args: Any, **kwargs: Any) -> Outcome:
        made = super().__call__(*args, **kwargs)
        for table, row in made.events:
            for field in ("status", "kind", "role", "reason", "liquidity", "time_in_force"):
                if hasattr(row, field):
                    field_of = "role" if (table, field) == ("trades", "reason") else field
                    self.seen[field_of, str(getattr(row, field))] += 1
        return made


def test_the_cases_reach_every_word_of_the_log():
    """But for words of several instruments, of corporate actions, and of a venue that waits."""
    for test in TESTS.values():
        for chosen in cases(test):
            test(Listening("plain", False), **chosen)
    seen = Listening.seen
    elsewhere = {
        "none", "", "submitted", "bankrupt", "rebalance", "corporate_action",
        # Of venues and operators, see `tests/venues` and `test_between`.
        "canceling", "operator", "external", "operator_halt", "by_operator", "by_venue",
        "venue_busy",
        # Of exposures, which `test_risk` looks at one by one.
        "max_gross_exposure", "max_net_exposure", "max_leverage", "max_sector_exposure",
    }  # fmt: skip
    words = {
        "status": reasons.STATUSES,
        "kind": reasons.KINDS,
        "role": reasons.ROLES,
        "reason": reasons.REASONS,
        "liquidity": reasons.LIQUIDITIES,
    }
    missing = {
        (field, word)
        for field, known in words.items()
        for word in known
        if word not in elsewhere and not seen[field, word]
    }
    assert missing == set()
