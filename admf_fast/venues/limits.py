"""Limits that no strategy, kernel or configuration of one can talk its way around."""

import msgspec


class GatewayLimits(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What leaves the gateway at most; 0 is no limit. Money is in account currency.

    Orders that only make a position smaller are held to the rates alone.
    """

    orders_per_minute: int = 60  # submits and replaces of any 60 s
    notional_per_order: float = 0.0
    position_lots: int = 0  # of one symbol, all working orders filled
    day_loss: float = 0.0  # since the first equity of the UTC day
    price_band: float = 0.2  # fraction of the last close that prices may lie away from it
    rejects_in_row: int = 3  # that freeze
    intent_age_ns: int = 0  # after which an intent expires unsent
    send_rate: float = 5.0  # messages a second, of any kind
    send_burst: int = 10
    answer_ns: int = 5_000_000_000  # after which an unanswered order is unsure
    grace_ns: int = 10_000_000_000  # between two looks that both miss an order
    reconcile_ns: int = 60_000_000_000
