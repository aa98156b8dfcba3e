"""From the ORDER events of a run to what is to be sent to a venue."""

import hashlib
from base64 import b32encode
from typing import Any

from admf_fast.journal.messages import Intent
from admf_fast.runners.between import Step
from admf_fast.runners.live import LiveRunner
from admf_kernels.execution.log import OrderRow
from admf_kernels.execution.reasons import (
    CANCELING,
    GTC,
    GTD,
    KINDS,
    REPLACED,
    SUBMITTED,
    TIMES_IN_FORCE,
)
from admf_kernels.execution.records import Order, Position

ACTIONS = {SUBMITTED: "submit", REPLACED: "replace", CANCELING: "cancel"}
ID_BYTES = 20  # 32 characters in base32


def client_id_of(lineage: str, strategy: str, symbol: str, order_id: int) -> str:
    """Return the id by which a venue knows an order: 32 characters A-Z and 2-7.

    An `order_id` counts all events of a lineage, so it stands for bar and ordinal.
    """
    text = "\0".join((lineage, strategy, symbol, str(order_id)))
    return b32encode(hashlib.blake2b(text.encode(), digest_size=ID_BYTES).digest()).decode()


class Intents:
    """Makes the intents of one run; it keeps nothing, so a restart changes nothing."""

    def __init__(self, runner: LiveRunner, *, lineage: str) -> None:
        self._runner = runner
        self._of = (lineage, runner.setup.strategy.reference)
        self._symbol = runner.setup.symbols[0]

    def client_id(self, order_id: int) -> str:
        """Return the client id of an order of this run."""
        return client_id_of(*self._of, self._symbol, order_id)

    def of(self, step: Step, ts_ns: int) -> list[Intent]:
        """Return what a step of the runner, its last one, wants to be sent, in order.

        `ts_ns` is the close of its bar, or the time of the report or command.
        """
        rows = [OrderRow(*v) for table, v in step.events if table == "orders"]
        rows = [row for row in rows if row.status in ACTIONS]
        if not rows:
            return []
        parts = self._runner.program.parts
        working: dict[int, Order] = {}
        for part in parts:
            if part.cls is Order and part.value.id:
                working[part.value.id] = part.value
        held: Position = next(p.value for p in parts if p.cls is Position)
        return [self._intent(row, working.get(row.order_id), held.lots, ts_ns) for row in rows]

    def _intent(self, row: OrderRow, order: Order | None, held: float, ts_ns: int) -> Intent:
        wanted: dict[str, Any] = {}
        if row.status != CANCELING:
            wanted = {"lots": row.lots, "limit": row.limit, "stop": row.stop}
            wanted |= {"kind": KINDS[row.kind], "time_in_force": TIMES_IN_FORCE[row.time_in_force]}
            if order is not None:
                wanted |= self._more(order, held)
        return Intent(
            client_id=self.client_id(row.order_id),
            action=ACTIONS[row.status],
            order_id=row.order_id,
            symbol=self._symbol,
            ts_ns=ts_ns,
            **wanted,
        )

    def _more(self, order: Order, held: float) -> dict[str, Any]:
        """Return what an order has beyond its event."""
        towards = order.goal * held >= 0.0 and abs(order.goal) < abs(held)
        tif = GTC if order.tif == GTD and not order.until_ns else order.tif
        return {
            "time_in_force": TIMES_IN_FORCE[tif],
            "trail": order.trail,
            "trail_rate": order.trail_rate,
            "until_ns": order.until_ns,
            "reduce_only": bool(towards if order.to_goal else order.reduce_only),
        }
