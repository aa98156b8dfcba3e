"""O04: reports in any order. The engine ends in the venue's state, or trading stops loudly."""

from itertools import combinations, permutations

import pytest

from admf_fast.errors import VenueError
from admf_fast.journal.messages import Command, Note, Report
from admf_fast.runners.live import LiveRunner
from admf_fast.runners.venue import with_venue
from admf_fast.venues.intents import Intents
from tests.venues.rig import FREE, Gateway, Script, of_kind, rows_of, setup_of

TEXT = "sizing: {kind: fixed, quantity: 7}\nentry: {order: limit, limit: {percent: 1}}\n"


class Bench:
    """A run stopped where its first order has just been sent; set back for every case."""

    def __init__(self) -> None:
        self.runner = LiveRunner(with_venue(setup_of(TEXT)))
        self.intents = Intents(self.runner, lineage="test")
        for row in rows_of(100, 5):
            made = self.intents.of(self.runner.step(*row), row[0])
            if made:
                break
        self.order, self.row = made[0], row
        self.saved = self.runner.save()
        self.cash = self.runner.program.values()["wallet"].cash
        self.reset()

    def reset(self) -> None:
        self.runner.restore(self.saved)
        self.venue = Script()
        self.gateway = Gateway(self.venue, FREE)
        self.gateway.bar(self.row[0], self.row[4], self.cash)
        self.gateway.send([self.order], self.row[0])
        self.said: list = []

    def hear(self, *reports: Report) -> None:
        self.venue.reports += reports
        while said := self.gateway.poll(self.row[0] + 1):
            self.said += said
            for report in of_kind(said, Report):
                self.runner.report(report)

    def report(self, name: str, status: str, lots: int = 0, total: int | None = None) -> Report:
        side = 1 if self.order.lots > 0 else -1
        return Report(
            report_id=name, client_id=self.order.client_id, order_id=0, ts_ns=self.row[0] + 1,
            status=status, lots=lots * side, price=self.order.limit if lots else 0.0,
            fee=0.25 if lots else 0.0, total=None if total is None else total * side,
        )  # fmt: skip

    def check(self, lots: int, over: bool = True) -> None:
        """Position and cash are the sum of the fills, and the books of both sides agree."""
        values = self.runner.program.values()
        side = 1 if self.order.lots > 0 else -1
        fills = [r for r in of_kind(self.said, Report) if r.lots]
        assert sum(r.lots for r in fills) == lots * side == values["q"].lots
        assert self.gateway.book.held.get("X", 0) == lots * side
        spent = sum(r.lots * r.price + r.fee for r in fills)
        assert values["wallet"].cash == pytest.approx(self.cash - spent, abs=1e-9)
        assert len({r.report_id for r in fills}) == len(fills)
        working = [v for n, v in values.items() if n.startswith("order ") and v.id]
        assert bool(working) is not over
        assert bool(self.gateway.book.working()) is not over
        assert values["intent"].working == len(working)


@pytest.fixture(scope="module")
def bench():
    return Bench()


def subsets(events, least=1):
    for size in range(least, len(events) + 1):
        yield from combinations(events, size)


def test_every_order_of_an_acknowledged_and_filled_orders_reports_gives_the_same(bench):
    events = [
        bench.report("ack", "accepted"),
        bench.report("f1", "partially_filled", 3),
        bench.report("f2", "partially_filled", 2),
        bench.report("f3", "filled", 2),
        bench.report("changed", "replaced"),
        bench.report("f2", "partially_filled", 2),  # the same one again
    ]
    states = {}
    for chosen in subsets(events):
        for order in permutations(chosen):
            bench.reset()
            for report in order:
                bench.hear(report)
            lots = _lots(order)
            bench.check(lots, over=lots == 7)
            assert not of_kind(bench.said, Command)
            states.setdefault(lots, set()).add(bench.gateway.book.held.get("X", 0))
    assert all(len(found) == 1 for found in states.values())


def _lots(reports) -> int:
    return abs(sum({r.report_id: r.lots for r in reports}.values()))


def test_a_cancel_that_overtakes_fills_waits_for_them_where_the_venue_counts(bench):
    events = [
        bench.report("ack", "accepted"),
        bench.report("f1", "partially_filled", 3),
        bench.report("f2", "partially_filled", 2),
        bench.report("end", "canceled", total=5),
        bench.report("end", "canceled", total=5),
        bench.report("f1", "partially_filled", 3),
    ]
    for order in permutations(events):
        bench.reset()
        for report in order:
            bench.hear(report)
        bench.check(5)
        assert not of_kind(bench.said, Command), "every order of these is legal"


def test_a_fill_after_the_end_is_booked_and_stops_trading(bench):
    events = [
        bench.report("ack", "accepted"),
        bench.report("f1", "partially_filled", 3),
        bench.report("f2", "partially_filled", 2),
        bench.report("end", "canceled"),  # by a venue that does not count
    ]
    for order in permutations(events):
        bench.reset()
        for report in order:
            bench.hear(report)
        bench.check(5)
        names = [r.report_id for r in order]
        late = names.index("end") < max(names.index("f1"), names.index("f2"))
        assert bool(of_kind(bench.said, Command)) is late
        assert any(n.rule == "O04" for n in of_kind(bench.said, Note)) is late


@pytest.mark.parametrize(
    "status", ["rejected", "expired", "canceled", "denied", "none", "nonsense"]
)
def test_every_order_with_an_end_that_contradicts_keeps_the_state_sound(bench, status):
    """Whatever a venue says, in whatever order, fills are booked once and nothing raises."""
    events = [
        bench.report("ack", "accepted"),
        bench.report("f1", "partially_filled", 3),
        bench.report("f2", "filled", 4),
        bench.report("odd", status),
    ]
    for chosen in subsets(events):
        for order in permutations(chosen):
            bench.reset()
            for report in order:
                bench.hear(report)
            lots = _lots(order)
            values = bench.runner.program.values()
            assert abs(values["q"].lots) == lots == abs(bench.gateway.book.held.get("X", 0))
            assert not values["now"].illegal if "now" in values else True


def test_the_engine_refuses_what_does_not_fit_and_is_unchanged(bench):
    bench.reset()
    before = bench.runner.save()
    wrong = [
        (bench.report("1", "filled", 8), "no more lots than are left"),
        (bench.report("2", "filled", -7), "of the order's side"),
        (bench.report("3", "denied"), "expected a state"),
    ]
    for report, text in wrong:
        with pytest.raises(VenueError, match=text):
            bench.runner.report(_ours(bench, report))
        assert bench.runner.save() == before
    other = _ours(bench, bench.report("4", "canceled"))
    with pytest.raises(VenueError, match="no order of this id is working"):
        bench.runner.report(type(other)(**{**_fields(other), "order_id": 99_999}))
    assert bench.runner.save() == before


def _ours(bench, report):
    return type(report)(**{**_fields(report), "order_id": bench.order.order_id})


def _fields(report):
    return {name: getattr(report, name) for name in report.__struct_fields__}
