"""O16: the limits hold for any intents at all; a random kernel is the hostile one."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from admf_fast.journal.messages import Command, Intent, Report
from admf_fast.venues import sending
from admf_fast.venues.gateway import Gateway
from admf_fast.venues.limits import MINUTE_NS, GatewayLimits, Pace
from tests.kernels.strategies import quick
from tests.venues.rig import SECOND_NS, T0_NS, Script, of_kind

LIMITS = GatewayLimits(
    orders_per_minute=5, notional_per_order=2_000.0, position_lots=30, price_band=0.1,
    send_rate=2.0, send_burst=3, reconcile_ns=10**15,
)  # fmt: skip
KINDS = ("market", "limit", "stop", "stop_limit", "trailing_stop")
numbers = st.sampled_from((0.0, -1.0, 1e-9, 50.0, 91.0, 100.0, 109.0, 111.0, 1e12, float("inf")))


@st.composite
def intents(draw: st.DrawFn) -> Intent:
    action = draw(st.sampled_from(("submit", "submit", "replace", "cancel")))
    return Intent(
        client_id=draw(st.sampled_from("ABCDEFGH")), action=action, order_id=1, symbol="X",
        ts_ns=T0_NS, kind=draw(st.sampled_from(KINDS)), time_in_force="GTC",
        lots=draw(st.integers(-40, 40).filter(bool)), limit=draw(numbers), stop=draw(numbers),
        reduce_only=draw(st.booleans()),
    )  # fmt: skip


class Eager(Script):
    """Accepts everything and fills what the test picks, as the order stands."""

    def __init__(self) -> None:
        super().__init__()
        self.open: dict[str, Intent] = {}
        self.times: list[tuple[int, str]] = []
        self.number = 0

    def _take(self, action, intent):
        super()._take(action, intent)
        if action == "cancel":
            self._say(self.open.pop(intent.client_id, None), "canceled")
        else:
            self.open[intent.client_id] = intent
            self._say(intent, "accepted" if action == "submit" else "replaced")

    def submit(self, intent, now_ns):
        self.times.append((now_ns, "order"))
        super().submit(intent, now_ns)

    def replace(self, intent, now_ns):
        self.times.append((now_ns, "order"))
        super().replace(intent, now_ns)

    def cancel(self, intent, now_ns):
        self.times.append((now_ns, "cancel"))
        super().cancel(intent, now_ns)

    def fill(self, client_id):
        intent = self.open.pop(client_id, None)
        if intent is None:
            return
        lots, held = intent.lots, self.held.get("X", 0)
        if intent.reduce_only:  # as every venue of the name does
            opposite = lots * held < 0
            lots = (lots if abs(lots) <= abs(held) else -held) if opposite else 0
        self.held["X"] = held + lots
        self._say(intent, "filled" if lots else "canceled", lots)

    def _say(self, intent, status, lots=0):
        if intent is not None:
            self.number += 1
            self.reports.append(Report(
                report_id=str(self.number), client_id=intent.client_id, order_id=0, ts_ns=T0_NS,
                status=status, lots=lots, price=100.0,
            ))  # fmt: skip


moves = st.one_of(
    intents(),
    st.sampled_from("ABCDEFGH"),
    st.integers(0, 40).map(lambda s: s * SECOND_NS),
    st.sampled_from([Command(action=a, origin="command") for a in ("freeze", "resume")]),
)


@quick(300)
@given(st.lists(moves, max_size=40))
def test_o16_no_output_of_any_kernel_gets_past_the_limits(steps):
    _run(steps)


LARGE = Intent(
    client_id="A", action="submit", order_id=1, symbol="X", ts_ns=T0_NS, kind="market",
    time_in_force="GTC", lots=40,
)  # fmt: skip


def test_o16_a_gateway_without_limits_is_caught(monkeypatch):
    _run([LARGE, "A"])
    monkeypatch.setattr(sending, "broken", lambda *_: "")
    monkeypatch.setattr(sending, "reach", lambda *_, **__: 0)
    with pytest.raises(AssertionError):
        _run([LARGE, "A"])


def test_o16_a_gateway_without_a_rate_is_caught(monkeypatch):
    loop = [msgspec.structs.replace(LARGE, lots=1, client_id=str(k)) for k in range(9)]
    _run(loop)
    monkeypatch.setattr(Pace, "ready", lambda *_: True)
    with pytest.raises(AssertionError):
        _run(loop)


def _run(steps):
    venue = Eager()
    gateway = Gateway(venue, LIMITS)
    now_ns = T0_NS
    gateway.bar(now_ns, 100.0, 10_000.0)
    for step in steps:
        sent, held = len(venue.calls), venue.held.get("X", 0)
        was_frozen = gateway.frozen
        if isinstance(step, Intent):
            gateway.send([step], now_ns)
        elif isinstance(step, str):
            venue.fill(step)
            gateway.poll(now_ns)
        elif isinstance(step, Command):
            gateway.replay(step)
        else:
            now_ns += step
            gateway.poll(now_ns)
        for action, intent in venue.calls[sent:]:
            _check(action, intent, held, was_frozen=was_frozen)
        assert abs(venue.held.get("X", 0)) <= LIMITS.position_lots
    _check_rates(venue.times)


def _check(action, intent, held, *, was_frozen):
    if action == "cancel":
        return
    reducing = intent.reduce_only and intent.lots * held < 0 and abs(intent.lots) <= abs(held)
    if reducing:
        return
    assert not was_frozen
    assert abs(intent.lots) * max(100.0, intent.limit, intent.stop) <= LIMITS.notional_per_order
    for price in (intent.limit, intent.stop):
        assert price == 0.0 or abs(price - 100.0) <= 10.0


def _check_rates(times):
    orders = [at for at, kind in times if kind == "order"]
    for k, at in enumerate(orders):
        assert sum(at - MINUTE_NS < other <= at for other in orders[: k + 1]) <= 5
    every = [at for at, _ in times]
    for k, at in enumerate(every):
        for j in range(k):
            passed_s = (at - every[j]) / SECOND_NS
            assert k - j + 1 <= LIMITS.send_burst + passed_s * LIMITS.send_rate + 1e-6


def test_o16_a_runaway_loop_is_stopped_and_stays_stopped():
    venue = Script()
    gateway = Gateway(venue, GatewayLimits(orders_per_minute=5, send_rate=0.0))
    gateway.bar(T0_NS, 100.0, 10_000.0)
    said = []
    for k in range(1000):
        intent = Intent(
            client_id=str(k), action="submit", order_id=k + 1, symbol="X", ts_ns=T0_NS,
            kind="market", time_in_force="GTC", lots=1,
        )  # fmt: skip
        said += gateway.send([intent], T0_NS + k * SECOND_NS)

    assert len(venue.calls) == 5
    assert [c.action for c in of_kind(said, Command)] == ["freeze"]
    assert len(of_kind(said, Report)) == 995, "the engine is told of every one"
