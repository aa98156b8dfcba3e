"""What a fill costs: the price after slippage, and the fee."""

import math

from admf_kernels.execution.account import Account

# 2**48: sums of whole lots below it are exact, and a quotient is never off by a whole lot.
LOTS_MAX = 281474976710656.0


def fill_price(c: Account, lots: float, price: float) -> float:
    """Return the price after slippage, which always works against the order.

    `lots` is signed; a sale never yields a negative price.
    """
    if lots > 0.0:
        return price * (1.0 + c.slippage_rate) + c.slippage_amount
    lower = price * (1.0 - c.slippage_rate) - c.slippage_amount
    return lower if lower > 0.0 else 0.0


def fill_fee(c: Account, lots: float, price: float) -> float:
    """Return the fee of a fill in account currency; it depends on the absolute quantity."""
    units = abs(lots) * c.lot_size
    return units * price * c.fee_rate + units * c.fee_per_unit + c.fee_fixed


def cash_after(c: Account, cash: float, lots: float, price: float, fee: float) -> float:
    """Return the cash that a fill of signed `lots` leaves, in the order the portfolio takes it."""
    return cash - lots * c.lot_size * price - fee


def affordable_lots(c: Account, money: float, price: float) -> float:
    """Return the most whole lots that `money` buys at `price`, slippage and fees included."""
    worst = fill_price(c, 1.0, price)
    lot = c.lot_size * (worst * (1.0 + c.fee_rate) + c.fee_per_unit)
    budget = money - c.fee_fixed
    if budget <= 0.0 or lot <= 0.0:
        return 0.0
    quotient = budget / lot
    lots = math.floor(quotient) * 1.0 if quotient < LOTS_MAX else LOTS_MAX
    # The quotient is rounded; never spend more than there is.
    left = cash_after(c, money, lots, worst, fill_fee(c, lots, worst))
    return lots - 1.0 if left < 0.0 and lots > 0.0 else lots
