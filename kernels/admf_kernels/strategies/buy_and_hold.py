"""Always long: what every other strategy is measured against."""

from admf_kernels.registry import strategy


@strategy()
def buy_and_hold() -> float:
    """Long from the first bar to the last.

    The signal is 1 on every bar, so one order is made, on bar 1.
    """
    return 1.0
