"""How many lots a signal means."""

import math

from admf_kernels.execution.account import FIXED, Account
from admf_kernels.execution.costs import affordable_lots


def allowed_signal(c: Account, signal: float) -> float:
    """Return the signal with the directions the account does not trade set to 0."""
    if signal > 0.0:
        return signal if c.long_allowed else 0.0
    if signal < 0.0:
        return signal if c.short_allowed else 0.0
    return 0.0


def target_lots(c: Account, signal: float, equity: float, price: float) -> float:
    """Return the signed whole lots that `signal` asks for at `price`.

    ``FIXED``: the signal's share of a set quantity. ``PERCENT`` and ``ALL_IN``: what the
    signal's share of that fraction of the equity buys, costs included. Rounded towards
    zero, so nothing is left over that is less than a lot.
    """
    strength = abs(signal)
    if strength == 0.0:
        return 0.0
    if c.sizing == FIXED:
        # Values this large are refused with the configuration.
        lots = math.floor(strength * c.sizing_value) * 1.0
    else:
        lots = affordable_lots(c, equity * c.sizing_value * strength, price)
    return lots if signal > 0.0 else -lots
