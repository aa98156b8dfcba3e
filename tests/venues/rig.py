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
        self.now_ns = 0
        self.filter: Callable[[list[Intent]], list[Intent]] = lambda intents: intents

    def new_gateway(self) -> Gateway:
        worth = self.setup.terms.n.lot_value
        return Gateway(self.exchange, self.limits, account="simulated", lot_value=worth)

    def apply(self, messages: list[Message]) -> None:
        """Journal what the gateway says, and apply the inputs among it; send what follows."""
        for message in messages:
            self.journal.append(message)
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
        self.apply(self.gateway.poll(now_ns))

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
        step = self.runner.step(*row, warm=warm)
        equity = self.runner.program.per_bar["equity"][self.runner.program.cursor - 1]
        self.apply(self.gateway.bar(row[0], row[4], float(equity)))
        self.send(self.intents.of(step, row[0]))

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
