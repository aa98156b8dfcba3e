"""What the tests of venues share: a run whose orders go through the gateway to an exchange."""

from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from admf_fast.config import Config, parse_config
from admf_fast.journal.messages import Command, Intent, Message, Report
from admf_fast.runners.live import LiveRunner
from admf_fast.runners.setup import Setup, prepare
from admf_fast.runners.venue import with_venue
from admf_fast.venues.exchange import Exchange
from admf_fast.venues.gateway import Gateway
from admf_fast.venues.intents import Intents
from admf_fast.venues.limits import GatewayLimits
from admf_fast.venues.protocol import DownError, OrderView
from admf_kernels.execution.records import Bar
from admf_kernels.recording import Bars
from admf_kernels.testing import random_bars

SECOND_NS = 1_000_000_000
T0_NS = 1_700_000_000 * SECOND_NS
HEAD = "bars: {path: bars.parquet, symbol: X, timeframe: 1m, stamp: close}\n"
CROSS = "strategy: {kernel: sma_cross, params: {fast: 3, slow: 8}}\n"
FREE = GatewayLimits(
    orders_per_minute=0, price_band=0.0, rejects_in_row=0, send_rate=0.0, reconcile_ns=0
)


def config_of(text: str = "") -> Config:
    return parse_config(HEAD + CROSS + text, name="small.yaml", format="yaml", base_dir="")


def setup_of(text: str = "") -> Setup:
    return prepare(config_of(text))


def bar_of(row: Sequence[Any]) -> Bar:
    ts_ns, open_, high, low, close, volume = row
    session = float((ts_ns - 1) // 86_400_000_000_000)
    return Bar(
        ts_ns=ts_ns, open=open_, high=high, low=low, close=close, volume=volume, session=session
    )


def rows_of(count: int, seed: int) -> list[tuple[Any, ...]]:
    bars: Bars = random_bars(count, seed)
    return list(zip(*(c.tolist() for c in bars), strict=True))


class Rig:
    """A live run with its gateway and its exchange, one call after the other, no clock."""

    def __init__(self, setup: Setup, limits: GatewayLimits = FREE, **more: Any) -> None:
        self.setup = with_venue(setup)
        self.exchange = Exchange(setup.terms)
        self.runner = LiveRunner(self.setup, **more)
        self.intents = Intents(self.runner, lineage="test")
        self.limits = limits
        self.gateway = self.new_gateway()
        self.journal: list[Message] = []
        self.inputs: list[Any] = []  # bars, reports and commands as the runner took them
        self.now_ns = 0
        self.filter: Callable[[list[Intent]], list[Intent]] = lambda intents: intents

    def new_gateway(self) -> Gateway:
        worth = self.setup.terms.n.lot_value
        return Gateway(self.exchange, self.limits, account="simulated", lot_value=worth)

    def apply(self, messages: list[Message]) -> None:
        """Journal what the gateway says, and apply the inputs among it; send what follows."""
        for message in messages:
            self.journal.append(message)
            if isinstance(message, (Report, Command)):
                self.inputs.append(message)
            if isinstance(message, Report):
                step = self.runner.report(message)
            elif isinstance(message, Command):
                step = self.runner.halt(message.action)
            else:
                continue
            self.send(self.intents.of(step, message.ts_ns))

    def send(self, intents: list[Intent]) -> None:
        intents = self.filter(intents)
        self.journal += intents
        if intents:
            self.apply(self.gateway.send(intents, self.now_ns))

    def command(self, action: str) -> None:
        message = Command(action=action, origin="command", ts_ns=self.now_ns)
        self.gateway.replay(message)
        self.apply([message])

    def poll(self, now_ns: int) -> None:
        self.now_ns = now_ns
        while said := self.gateway.poll(now_ns):
            self.apply(said)

    def trade(self, row: Sequence[Any]) -> None:
        """Let the exchange match a bar, every fill reported and answered before the next."""
        self.now_ns = row[0]
        self.exchange.begin(bar_of(row))
        self.poll(row[0])
        while self.exchange.fill_next():
            self.poll(row[0])
        self.exchange.close()
        self.poll(row[0])

    def step(self, row: Sequence[Any], warm: bool = False) -> None:
        self.now_ns = row[0]
        self.inputs.append(row)
        step = self.runner.step(*row, warm=warm)
        equity = self.runner.program.per_bar["equity"][self.runner.program.cursor - 1]
        self.apply(self.gateway.bar(row[0], row[4], float(equity)))
        self.send(self.intents.of(step, row[0]))

    def run_until(self, rows: Sequence[Sequence[Any]], done: Callable[["Rig"], Any]) -> "Rig":
        for row in rows:
            self.run([row])
            if done(self):
                return self
        raise AssertionError("it never came to that")

    def run(self, rows: Sequence[Sequence[Any]]) -> "Rig":
        for row in rows:
            self.trade(row)
            self.step(row)
        return self

    @property
    def lots(self) -> int:
        return int(self.runner.program.values()["q"].lots)

    @property
    def cash(self) -> float:
        return float(self.runner.program.values()["wallet"].cash)

    def notes(self, rule: str) -> list[Message]:
        return [m for m in self.journal if getattr(m, "rule", "") == rule]


def terms_of(intent: Intent, **changes: Any) -> Intent:
    return msgspec.structs.replace(intent, **changes)


class Script:
    """A venue that does what a test says, and keeps what it was told."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, Intent]] = []
        self.reports: list[Report] = []
        self.views: dict[str, OrderView] = {}
        self.held: dict[str, int] = {}
        self.fails: list[Exception] = []  # of the next calls that change something
        self.queries: list[str] = []
        self.down = False
        self.resumed = "never"

    def account(self) -> str:
        return "simulated"

    def submit(self, intent: Intent, now_ns: int) -> None:
        self._take("submit", intent)

    def replace(self, intent: Intent, now_ns: int) -> None:
        self._take("replace", intent)

    def cancel(self, intent: Intent, now_ns: int) -> None:
        self._take("cancel", intent)

    def query(self, client_id: str) -> OrderView | None:
        self._answer()
        self.queries.append(client_id)
        return self.views.get(client_id)

    def open_orders(self) -> list[OrderView]:
        self._answer()
        return list(self.views.values())

    def positions(self) -> dict[str, int]:
        self._answer()
        return self.held

    def resume(self, report_id: str) -> None:
        self.resumed = report_id

    def poll(self, now_ns: int) -> list[Report]:
        self._answer()
        reports, self.reports = self.reports, []
        return reports

    def _answer(self) -> None:
        if self.down:
            raise DownError("down")

    def _take(self, action: str, intent: Intent) -> None:
        self._answer()
        self.calls.append((action, intent))
        if self.fails:
            raise self.fails.pop(0)

    def sent(self, action: str) -> list[Intent]:
        return [intent for a, intent in self.calls if a == action]


def intent_of(name: str = "A", **changes: Any) -> Intent:
    values: dict[str, Any] = {
        "client_id": name, "action": "submit", "order_id": 1 + ord(name[0]), "symbol": "X",
        "ts_ns": T0_NS, "kind": "limit", "time_in_force": "GTC", "lots": 10, "limit": 100.0,
    }  # fmt: skip
    return Intent(**{**values, **changes})


def report_of(report_id: str, status: str, name: str = "A", **changes: Any) -> Report:
    values = {"order_id": 0, "ts_ns": T0_NS + SECOND_NS, "price": 100.0}
    return Report(report_id=report_id, client_id=name, status=status, **{**values, **changes})


def gateway_of(venue: Any, **limits: Any) -> Gateway:
    """Return a gateway with the limits of production that knows a price."""
    gateway = Gateway(venue, GatewayLimits(**limits))
    gateway.bar(T0_NS, 100.0, 10_000.0)
    return gateway


def of_kind(messages: Sequence[Message], kind: type) -> list[Any]:
    return [m for m in messages if isinstance(m, kind)]
