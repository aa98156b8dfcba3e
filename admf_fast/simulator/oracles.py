"""What must hold of a world when it is over, whatever befell it.

Each oracle returns what is wrong, nothing if all is well. They take the journal as it lies on
the simulated disk, not what the process believes.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import TypeVar

import numpy as np
import xxhash

from admf_fast.data import BarBlock
from admf_fast.errors import DivergenceError
from admf_fast.journal import read_journal
from admf_fast.journal.messages import (
    AnyMessage,
    BarInput,
    Command,
    Intent,
    Message,
    Note,
    Outcome,
    Report,
    Sent,
    encode,
)
from admf_fast.live.core import UINT64, EventRow, LiveCore
from admf_fast.live.replaying import INPUTS, Replay
from admf_fast.runners.historical import HistoricalRunner
from admf_fast.simulator.setups import LIMITS
from admf_fast.simulator.world import FOLDER, World
from admf_kernels.execution.log import FillRow

Kind = TypeVar("Kind", bound=Message)
WORKING_LIMITS = ("O16", "O01", "day_loss")
DIFFERENCES = ("O05", "O11", "O12")
CASH_TOLERANCE = 1e-9  # of what was ever held: sums in another order


class Evidence:
    """A world's journal, and a core that was fed nothing but its inputs."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.records: list[tuple[int, AnyMessage]] = list(
            read_journal(f"{FOLDER}/journal", disk=world.disk)
        )
        self.messages = [message for _, message in self.records]
        self.core: LiveCore = world.setups.core(world.setups.current)
        self.core.lineage = "simulated"
        self.fills: list[FillRow] = []
        self.diverged = self._replay()

    def _replay(self) -> str:
        replay = Replay(self.core)
        try:
            for sequence, message in self.records:
                if isinstance(message, (*INPUTS, Outcome, Intent)):
                    replay.take(sequence, message)
                    if isinstance(message, INPUTS) and replay.applied is not None:
                        self._collect(replay.applied.events)
        except DivergenceError as error:
            return str(error)
        return ""

    def _collect(self, events: tuple[EventRow, ...]) -> None:
        self.fills += [FillRow(*values) for table, values in events if table == "fills"]

    def of(self, kind: type[Kind]) -> list[Kind]:
        """Return the messages of one kind."""
        return [message for message in self.messages if isinstance(message, kind)]


def replays(found: Evidence) -> Iterator[str]:
    """(6) A fresh core makes the same of the journal's inputs, and ends where the process did."""
    if found.diverged:
        yield found.diverged
    process = found.world.process
    if process is not None and process.core.outcome(0) != found.core.outcome(0):
        yield f"the process ended at {process.core.outcome(0)}, a replay at {found.core.outcome(0)}"


def as_history(found: Evidence) -> Iterator[str]:
    """(1) The historical runner over the journaled bars ends with the checksum of the process."""
    if found.world.plan.venue or found.of(Command):
        return  # history has neither a venue nor an operator
    bars = [m for m in found.messages if isinstance(m, BarInput)]
    columns = [[getattr(bar, name) for bar in bars] for name in BarInput.__struct_fields__[2:7]]
    block = BarBlock(
        np.array([bar.ts_ns for bar in bars], np.int64), *(np.array(c, np.float64) for c in columns)
    )
    runner = HistoricalRunner(found.world.setups.current)
    runner.feed(block)
    ours, theirs = found.core.outcome(0).checksum, runner.program.last_checksum & UINT64
    if ours != theirs:
        yield f"live {ours:016x}, history {theirs:016x} after {len(bars)} bars"


def accounting(found: Evidence) -> Iterator[str]:
    """(2) Positions and cash follow from the fills; each report is booked once."""
    terms = found.world.setups.current.terms
    lots = sum(fill.lots for fill in found.fills)
    if lots != found.core.position_lots:
        yield f"fills come to {lots} lots, the account holds {found.core.position_lots}"
    worth = terms.n.lot_value
    flows = [fill.lots * worth * fill.price + fill.fee for fill in found.fills]
    cash = terms.a.cash - math.fsum(flows)
    held = found.core.runner.program.value("wallet").cash
    if abs(cash - held) > CASH_TOLERANCE * (terms.a.cash + math.fsum(map(abs, flows))):
        yield f"fills leave {cash!r} of cash, the account has {held!r}"
    ids = [m.report_id for m in found.messages if isinstance(m, Report)]
    if len(ids) != len(set(ids)):
        yield "a report was journaled as an input twice"


def orders(found: Evidence) -> Iterator[str]:
    """(3) Nothing reached the venue that was not journaled first, and nothing took effect twice."""
    world = found.world
    wanted = {m.client_id for m in found.messages if isinstance(m, Intent)}
    for client_id in world.venue.sent:
        if client_id not in wanted:
            yield f"order {client_id} reached the venue without an intent in the journal"
    for order in world.exchange.past:
        yield f"order {order.intent.client_id} was taken by the venue twice"
    acknowledged = {m.client_id for m in found.messages if isinstance(m, Sent)}
    if not acknowledged <= wanted:
        yield f"sent without an intent: {sorted(acknowledged - wanted)}"


def limits(found: Evidence) -> Iterator[str]:
    """(4) The venue never held more than the limits allow."""
    most = found.world.venue.most_lots
    if most > LIMITS.position_lots:
        yield f"the venue held {most} lots, the limit is {LIMITS.position_lots}"


def books(found: Evidence) -> Iterator[str]:
    """(7) The venue's own books say what ours do.

    Where the venue kept a report to itself, they may differ, but only with entries frozen and
    the reason in the journal: fills are never made up.
    """
    world = found.world
    if not world.plan.venue or (world.strikes.counts.get("lost") and _told_of(found)):
        return
    held = sum(world.exchange.held.values())
    if held != found.core.position_lots:
        yield f"the venue holds {held} lots, the account {found.core.position_lots}"
    cash = found.core.runner.program.value("wallet").cash
    if abs(cash - world.exchange.cash) > CASH_TOLERANCE * 1e3 * abs(world.exchange.cash):
        yield f"the venue has {world.exchange.cash!r} of cash, the account {cash!r}"


def _told_of(found: Evidence) -> bool:
    """Whether the journal says that the accounts differ, and nothing new goes out."""
    told = [m for m in found.messages if isinstance(m, Note) and m.rule in DIFFERENCES]
    gateway = found.world.gateway
    return bool(told) and gateway is not None and gateway.frozen


def _limited(found: Evidence) -> bool:
    """Whether the last freeze of a limit was what limits are for."""
    given = [m.reason for m in found.of(Command) if m.origin == "limit" and m.action == "freeze"]
    return bool(given) and given[-1].startswith(WORKING_LIMITS)


def lively(found: Evidence) -> Iterator[str]:
    """(8) When faults have stopped for a while, bars come through and nothing is unsure."""
    world = found.world
    half_quiet = (world.plan.quiet_from + world.plan.bars) // 2
    seen = {m.ts_ns for m in found.messages if isinstance(m, BarInput)}
    missing = [bar[0] for bar in world.bars[half_quiet:] if bar[0] not in seen]
    if missing:
        yield f"{len(missing)} bars without any fault were not processed, the first {missing[0]}"
    if world.strikes.counts.get("lost") and _told_of(found):
        return
    holds = [held for held in found.core.holds if held != "limit" or not _limited(found)]
    if holds:
        yield f"entries are still held by {', '.join(holds)}"
    if world.gateway is not None and not world.gateway.settled:
        yield "the gateway has not settled"


ORACLES: dict[str, Callable[[Evidence], Iterator[str]]] = {
    "replay": replays,
    "history": as_history,
    "accounting": accounting,
    "orders": orders,
    "limits": limits,
    "books": books,
    "liveness": lively,
}


def judge(found: Evidence) -> list[str]:
    """Return what is wrong with a world, each with the name of the oracle that says so."""
    return [f"{name}: {text}" for name, oracle in ORACLES.items() for text in oracle(found)]


def digest_of(found: Evidence) -> str:
    """Return a digest of what a run came to, whatever interrupted it.

    Of a paper account: all inputs and what they led to. With a venue, a process that was killed
    hears the same things otherwise (by asking instead of being told), so it is the fills and
    the books of the venue.
    """
    hashed = xxhash.xxh3_128()
    if found.world.plan.venue:
        exchange = found.world.exchange
        ends = [(name, o.status, o.filled) for name, o in exchange.orders.items()]
        fills = [(fill.lots, fill.price, fill.fee) for fill in found.fills]
        hashed.update(repr((fills, ends, exchange.held, exchange.cash)).encode())
        return hashed.hexdigest()
    for message in found.messages:
        if isinstance(message, Outcome):
            hashed.update(f"{message.checksum} {message.events} {message.last_event}".encode())
        elif isinstance(message, (*INPUTS, Intent)):
            hashed.update(encode(message))
    return hashed.hexdigest()
