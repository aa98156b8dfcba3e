"""What the engine works on: records of 64-bit words that are changed in place.

Indicators and strategies are pure functions; the engine has too much state for that, and
most of it changes on few bars. So it is handed records: compiled, a record is an address in
the state; in plain Python it is a `Plain` object. Both have the fields of a NamedTuple
class, which is the layout.
"""

from typing import TYPE_CHECKING, Any, NamedTuple

from admf_kernels.layout import fields_of

# Bits of `Guard.hold`: no new positions; none at all, until resumed; warm bars, no orders.
FROZEN, FLAT, WARMING = 1, 2, 4


class Plain:
    """A record in plain Python: the fields of a NamedTuple class, changeable."""

    def __init__(self, cls: type, *values: Any) -> None:
        self.__dict__["cls"] = cls
        for field, value in zip(fields_of(cls), values or cls(), strict=True):
            self.__dict__[field.name] = value

    if TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any: ...

    def __setattr__(self, name: str, value: Any) -> None:
        if name not in self.cls._fields:
            raise AttributeError(f"{self.cls.__name__} has no field {name!r}")
        self.__dict__[name] = value

    @property
    def value(self) -> Any:
        """The record as the NamedTuple, every field of its declared kind."""
        kinds = {"float": float, "int": int, "bool": bool}
        return self.cls(*(kinds[f.kind](self.__dict__[f.name]) for f in fields_of(self.cls)))


class Bar(NamedTuple):
    """One closed bar as the engine sees it; what a run does not use is 0."""

    number: int = 0  # counted from 1
    ts_ns: int = 0
    open: float = 0.0
    high: float = 0.0
    low: float = 0.0
    close: float = 0.0
    volume: float = 0.0
    worth: float = 0.0  # account currency for one lot at price 1
    session: float = 0.0  # number of the session it belongs to
    minutes_left: float = 0.0  # from its close to the session's close
    atr: float = 0.0  # price units
    atr_before: float = 0.0  # one bar earlier: all that an order filled on this bar can know
    deviation: float = 0.0  # of returns per bar, for volatility sizing
    split: float = 1.0  # new units for one old, effective before its open
    dividend: float = 0.0  # price units a unit, for who held before its open


class Exposure(NamedTuple):
    """What the whole account holds at the last prices, in account currency."""

    equity: float = 0.0
    gross: float = 0.0
    net: float = 0.0
    sector: float = 0.0  # gross of the instrument's sector
    price: float = 0.0  # at which the instrument's own position is counted


class Book(NamedTuple):
    """The event counter."""

    sequence: int = 0  # of the last event of this container
    bar_sequence: int = 0  # of the last BAR event


class Wallet(NamedTuple):
    """The account's cash, and what time has cost."""

    cash: float = 0.0
    financing: float = 0.0  # interest, borrowing and funding paid so far
    dividends: float = 0.0  # and cash for parts of a lot, received less paid


class Guard(NamedTuple):
    """What the risk limits count."""

    day: float = 0.0  # session of the last bar, plus 1: 0 is before the first
    day_equity: float = 0.0  # when the session began
    day_orders: int = 0
    day_trades: int = 0
    halt: int = 0  # role of the halt in force; 0 for none
    peak: float = 0.0
    hold: int = 0  # FROZEN, FLAT, WARMING


class Position(NamedTuple):
    """One instrument's position, with what is known of the open round trip."""

    lots: float = 0.0  # signed, whole
    entry_ts_ns: int = 0
    entry_lots: float = 0.0  # absolute, all entries of the round trip
    entry_points: float = 0.0  # lots times price over the entries
    entry_value: float = 0.0  # account currency, over the entries
    exit_lots: float = 0.0
    exit_points: float = 0.0
    exit_value: float = 0.0
    fees: float = 0.0  # of the open round trip
    entry_price: float = 0.0  # of the fill that opened it
    entry_atr: float = 0.0  # before that fill
    stop: float = 0.0  # level of the protective stop; 0 for none
    stop_role: int = 0  # what that level is: stop_loss, trailing_stop or break_even
    inside: bool = False  # by a venue's report: opened while the coming bar was under way


class Intent(NamedTuple):
    """What the strategy last wanted, and whether it may be followed again."""

    signal: float = 0.0
    blocked: float = 0.0  # side that an exit with memory closed; its signals are not followed
    again: bool = False  # an exit without memory: follow an unchanged signal
    working: int = 0  # orders in the instrument's places
    below: float = 0.0  # while a bar stays above this price
    above: float = 0.0  # and below this one, nothing can happen to any of them
    last_ns: int = 0  # close of the last bar, where something accrues with time


class Span(NamedTuple):
    """Age and extremes of the open position."""

    bars: int = 0
    highest: float = 0.0
    lowest: float = 0.0


class Ledger(NamedTuple):
    """Running sums over orders, fills and closed trades."""

    orders: int = 0
    denied: int = 0  # by our limits, or impossible
    fills: int = 0
    fees: float = 0.0
    turnover: float = 0.0  # notional traded
    month_end_ns: int = 0  # of the turnover that fee tiers go by
    month_turnover: float = 0.0
    trades: int = 0
    trades_won: int = 0
    profit_gross: float = 0.0
    loss_gross: float = 0.0  # positive
    trade_return_sum: float = 0.0
    trade_return_square_sum: float = 0.0
    trade_return_best: float = 0.0
    trade_return_worst: float = 0.0


class Mark(NamedTuple):
    """The last close of one of several instruments, and how many bars it had."""

    price: float = 0.0
    first_price: float = 0.0
    bars: int = 0


class Seen(NamedTuple):
    """The last close of one of several instruments as features see it, actions taken in."""

    price: float = 0.0


class Turn(NamedTuple):
    """When a rotation last looked at its ranks."""

    period: int = -1  # number of the day, week or month
    moments: int = 0  # since then


class Order(NamedTuple):
    """A working order; all zero is a free place. Prices are 0 where the order has none."""

    id: int = 0  # sequence of the ORDER event that made it
    status: int = 0
    kind: int = 0
    tif: int = 0
    role: int = 0
    lots: float = 0.0  # signed, still to fill
    to_goal: bool = False  # works towards a position: what others fill is taken off
    goal: float = 0.0  # that position, signed lots
    reduce_only: bool = False
    limit: float = 0.0
    stop: float = 0.0  # the trigger
    triggered: bool = False  # a stop-limit whose stop was reached
    trail: float = 0.0  # distance of a trailing stop, price units
    trail_rate: float = 0.0  # or a fraction of the best price
    filled: float = 0.0  # signed lots filled so far
    made_ns: int = 0  # close of the bar that made it
    until_ns: int = 0  # GTD: last bar's close on which it may fill; 0 for none
    until_bar: int = 0  # number of the last bar on which it may fill; 0 for none
    session: float = 0.0  # DAY: the session it belongs to
    stop_loss: float = 0.0  # prices of the bracket its position gets
    take_profit: float = 0.0
    ending: int = 0  # why the venue was asked to cancel it; 0 if it was not


class Request(NamedTuple):
    """What a strategy asks for at one of its places. Prices are 0 where there is none."""

    action: int = 0
    kind: int = 0
    quantity: float = 0.0  # signed units
    limit: float = 0.0
    stop: float = 0.0
    trail: float = 0.0  # distance of a trailing stop in price units
    trail_rate: float = 0.0  # or as a fraction of the best price
    tif: int = 0
    until_ns: int = 0  # GTD
    reduce_only: bool = False
    stop_loss: float = 0.0  # prices of the bracket that the position gets
    take_profit: float = 0.0


class News(NamedTuple):
    """What comes between bars: a venue's report, or a command of an operator."""

    action: int = 0  # of `news`
    order_id: int = 0
    status: int = 0
    ts_ns: int = 0
    lots: float = 0.0  # signed, filled
    price: float = 0.0
    fee: float = 0.0
    maker: bool = False
    close: float = 0.0  # of the last bar


class Now(NamedTuple):
    """Notes of the current bar only; no state."""

    number: int = 0  # of the bar these are about
    first: bool = False  # the bar begins a session
    illegal: bool = False  # an order came into a state that may not follow
    entered: float = -1.0  # moment of the bar's opening fill; -1 for none
    entered_at: float = 0.0  # its price
    entered_by_stop: bool = False
    stop_in_reach: bool = False  # the new position's stop lies inside the bar
    volume_left: float = 0.0  # lots that orders may still take from this bar
    slips: bool = True  # the fill at hand pays slippage


class Desk(NamedTuple):
    """All that a bar of one instrument may change, as records; shared ones are the account's."""

    book: Any
    wallet: Any
    guard: Any
    ledger: Any
    q: Any
    intent: Any
    span: Any
    now: Any
    e: Any  # exposure of the whole account
    slots: Any  # places of the working orders
    log: Any


# The groups of the state that the engine changes, in memory order.
SHARED: dict[str, type] = {"book": Book, "wallet": Wallet, "guard": Guard, "ledger": Ledger}
OWN: dict[str, type] = {"span": Span, "q": Position, "intent": Intent}


def expose(e: Any, wallet: Any, q: Any, worth: float, price: float) -> None:
    """Write the exposure of an account that trades one instrument, at `price`."""
    value = q.lots * worth * price
    e.equity = wallet.cash + value
    e.gross = abs(value)
    e.net = value
    e.sector = abs(value)
    e.price = price


def restate(d: Desk, worth: float, held: float, cash: float, price: float) -> None:
    """Bring the exposure up to date after a fill at `price`; `held` and `cash` are from before."""
    e = d.e
    old, new = held * worth * e.price, d.q.lots * worth * price
    e.equity += d.wallet.cash - cash + new - old
    e.gross += abs(new) - abs(old)
    e.net += new - old
    e.sector += abs(new) - abs(old)
    e.price = price
