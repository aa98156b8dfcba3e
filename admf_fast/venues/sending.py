"""Sending what is due: the most urgent first, and nothing past the limits."""

import msgspec

from admf_fast.journal.messages import Expired, Intent, Sent
from admf_fast.venues.book import OVER, QUEUED, REFUSED, SENT, UNSURE, Tracked
from admf_fast.venues.floor import Floor
from admf_fast.venues.hearing import check_rejects
from admf_fast.venues.limits import beside, broken, reach, reduces
from admf_fast.venues.protocol import DownError, RefusedError, UnsureError
from admf_fast.venues.reconcile import Reconciler

NEW, LESS, END = 2, 1, 0  # who goes first: what ends an order, what makes a position smaller


class Sender:
    """Takes orders of the book to the venue."""

    def __init__(self, floor: Floor, reconciler: Reconciler) -> None:
        self._floor = floor
        self._reconciler = reconciler
        self._clears = False  # whether exits were newly found to be in the way

    def pump(self, now_ns: int) -> None:
        """Send what is due, the oldest first among equals."""
        self._pass(now_ns)
        if self._clears:  # their cancels are due at once
            self._clears = False
            self._pass(now_ns)

    def _pass(self, now_ns: int) -> None:
        floor = self._floor
        due = [(self._rank(o), k, o) for k, o in enumerate(floor.book.working()) if o.is_due]
        for _, _, order in sorted(due, key=lambda d: d[:2]):
            if order.stage == QUEUED and self._drop(order, now_ns):
                continue
            if floor.circuit.down or not floor.tallies.pace.ready(now_ns):
                continue
            self._send_next(order, now_ns)

    def _rank(self, order: Tracked) -> int:
        if order.cancels is not None:
            return END
        return LESS if reduces(self._floor.book, order.intent) else NEW

    def _drop(self, order: Tracked, now_ns: int) -> bool:
        """End an order that was not sent and will not be: unwanted by now, or too old."""
        floor, oldest_ns = self._floor, self._floor.limits.intent_age_ns
        # Where the clock stood still, in a machine put to sleep, the bars have gone on.
        age_ns = max(now_ns, floor.tallies.bar_ns) - order.intent.ts_ns
        if order.cancels is not None:
            floor.end(order, "canceled", "not_sent", now_ns)
        elif oldest_ns and age_ns > oldest_ns:
            reason = f"O18: {age_ns / 1e9:.1f} s old"
            floor.say(Expired(client_id=order.intent.client_id, reason=reason))
            floor.end(order, "expired", "too_old", now_ns)
        return order.stage == OVER

    def _send_next(self, order: Tracked, now_ns: int) -> None:
        """Send the next message about an order, if the limits allow it."""
        floor, close = self._floor, self._floor.tallies.close
        if order.stage != QUEUED and order.cancels is not None:
            self._hand_over(order, order.cancels, now_ns)
            return
        intent = msgspec.structs.replace(order.intent, lots=order.left)
        reducing = reduces(floor.book, intent)
        limit = broken(floor.limits, floor.book, intent, close, floor.lot_value)
        if not reducing and (close <= 0.0 or (not limit and self._reconciler.doubts(intent))):
            return  # no limit can be held to before the first price, or while books differ
        if not limit and floor.tallies.pace.full(now_ns):
            if reducing:
                return  # it waits for its minute
            limit = "orders_per_minute"
        if limit:
            self._refrain(order, intent, limit, now_ns)
        elif reducing or not self._waits_for_exits(intent):
            self._hand_over(order, intent, now_ns)

    def _waits_for_exits(self, intent: Intent) -> bool:
        """Whether exits of its side have to be canceled before an order may be sent.

        A turn goes through zero while the exits of the old position still work. If both fill,
        the position is larger than either wants.
        """
        floor = self._floor
        most, lots = floor.limits.position_lots, abs(reach(floor.book, intent, exits=True))
        if most <= 0 or lots <= most:
            return False
        for order in beside(floor.book, intent):
            if order.intent.reduce_only and order.cancels is None:
                order.cancels = msgspec.structs.replace(order.intent, action="cancel")
                self._clears = True
        if self._clears:
            text = f"order {intent.order_id} waits until exits are canceled: with them {lots} lots"
            floor.note("O16", f"{text}, the limit is {most}")
        return True

    def _refrain(self, order: Tracked, intent: Intent, limit: str, now_ns: int) -> None:
        floor = self._floor
        floor.note("O16", f"order {intent.order_id} not sent: {limit}")
        if order.stage == QUEUED:
            floor.end(order, "rejected", limit, now_ns)
        else:  # other terms that may not be: what works under the old ones is ended
            order.change, order.cancels = None, msgspec.structs.replace(intent, action="cancel")
        if limit != "frozen":
            floor.command("freeze", f"O16: {limit}", now_ns)

    def _hand_over(self, order: Tracked, intent: Intent, now_ns: int) -> None:
        floor = self._floor
        action = "submit" if order.stage == QUEUED else intent.action
        intent = msgspec.structs.replace(intent, action=action)
        stage, refused = SENT, ""
        try:
            floor.circuit.ask(action, intent, now_ns)
        except DownError:
            return
        except UnsureError as error:
            floor.note("O06", f"{action} of order {intent.order_id}: {error}")
            stage = UNSURE
        except RefusedError as error:
            refused = str(error)
        attempt = order.attempts + 1 if action == "submit" else 1
        floor.say(
            Sent(
                client_id=intent.client_id, action=action, attempt=attempt, ts_ns=now_ns,
                refused=bool(refused),
            )
        )  # fmt: skip
        if refused:
            self._refused(order, action, refused, now_ns)
        else:
            order.move(stage, now_ns)

    def _refused(self, order: Tracked, action: str, text: str, now_ns: int) -> None:
        floor = self._floor
        floor.note("O01", f"{action} of order {order.intent.order_id}: {text}")
        if action == "submit":
            floor.end(order, "rejected", text, now_ns, origin=REFUSED)
            check_rejects(floor, order, text, now_ns)
            return
        if action == "replace":
            order.changes += 1
        else:
            order.cancel_sent = True
        order.move(UNSURE, now_ns)  # it may be over: nobody cancels or changes in vain
