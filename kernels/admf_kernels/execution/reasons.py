"""Every word the event log uses for an order: its kind, its state, its role, the reason.

Kernels use the numbers, tables and messages the names; a number is the place of its name.
"""

MARKET, LIMIT, STOP, STOP_LIMIT, TRAILING_STOP, AT_OPEN, AT_CLOSE = range(7)
KINDS = (
    "market", "limit", "stop", "stop_limit", "trailing_stop", "market_on_open", "market_on_close",
)  # fmt: skip

GTC, DAY, GTD, IOC, FOK = range(5)
TIMES_IN_FORCE = ("GTC", "DAY", "GTD", "IOC", "FOK")

# States of an order; SUBMITTED lasts only where a real venue has yet to answer.
NO_ORDER, SUBMITTED, ACCEPTED, PARTIALLY_FILLED, FILLED, CANCELED, EXPIRED, DENIED, REJECTED = (
    range(9)
)
# Events, not states: the order works on, with other terms; or until the venue ends it.
REPLACED, CANCELING = 9, 10
STATUSES = (
    "none", "submitted", "accepted", "partially_filled", "filled", "canceled", "expired",
    "denied", "rejected", "replaced", "canceling",
)  # fmt: skip

# Why an order was made, which is why its fills opened or closed something.
(
    NO_ROLE, SIGNAL, REVERSAL, STOP_LOSS, TAKE_PROFIT, TRAILING, BREAK_EVEN, MAX_BARS,
    SESSION_END, REQUEST, DAILY_LOSS, DRAWDOWN, LIQUIDATION, BANKRUPT, REBALANCE,
    OPERATOR, EXTERNAL,
) = range(17)  # fmt: skip
ROLES = (
    "none", "signal", "reversal", "stop_loss", "take_profit", "trailing_stop", "break_even",
    "max_bars", "session_end", "request", "daily_loss", "drawdown", "liquidation", "bankrupt",
    "rebalance", "operator", "external",
)  # fmt: skip

# Why an order ended, or was not taken, other than by being filled.
(
    NO_REASON, BY_STRATEGY, OTHER_LEG, NOTHING_TO_CLOSE, CASH, NOT_AT_ONCE, TIME_IS_UP,
    MAX_POSITION, MAX_GROSS, MAX_NET, MAX_LEVERAGE, MAX_SECTOR, DAY_LOSS_HALT, DRAWDOWN_HALT,
    ORDER_RATE, DAY_TRADES, SESSION_ENDS, WRONG_SIDE, ZERO_SIZE, BAD_PRICE, CORPORATE_ACTION,
    OPERATOR_HALT, BY_OPERATOR, BY_VENUE, VENUE_BUSY,
) = range(25)  # fmt: skip
REASONS = (
    "", "by_strategy", "other_leg_filled", "nothing_to_close", "cash", "not_filled_at_once",
    "time_is_up", "max_position", "max_gross_exposure", "max_net_exposure", "max_leverage",
    "max_sector_exposure", "daily_loss_halt", "drawdown_halt", "order_rate", "trades_per_day",
    "session_ends", "wrong_side", "zero_size", "bad_price", "corporate_action", "operator_halt",
    "by_operator", "by_venue", "venue_busy",
)  # fmt: skip

LIQUIDITIES = ("taker", "maker")
