"""One order, shared between paper and live by capital: in whole lots, none lost, none twice.

The parts of a position are the largest remainders: each part gets the whole lots of its share,
and the lots that are left go, one each, to the parts with the largest fractions (A. Hamilton,
1792; M. Balinski and H. P. Young, Fair Representation, 1982); among equals, to the part that is
listed first. It satisfies quota: no part is a whole lot away from its exact share. It can give
a part less when the whole grows (the Alabama paradox), but not with two parts, which is what a
stage has.

All numbers are whole: a share is so many of a whole, such as 1 of 100, so nothing is rounded.
"""

import math
from collections.abc import Mapping


def apportion(whole: int, weights: Mapping[str, int]) -> dict[str, int]:
    """Return `whole` lots (or cents) divided by weights; the parts always add up to it.

    A short position is divided as the long one, with the sign. Raises ValueError for weights
    below 0, or of which none is above.
    """
    total = sum(weights.values())
    if total <= 0 or min(weights.values()) < 0:
        raise ValueError(f"expected weights of at least 0, one above; found {dict(weights)}")
    size, sign = abs(whole), 1 if whole >= 0 else -1
    exact = {name: divmod(size * weight, total) for name, weight in weights.items()}
    left = size - sum(quotient for quotient, _ in exact.values())
    # `sorted` keeps the order among equals.
    favoured = sorted(exact, key=lambda name: -exact[name][1])[:left]
    return {name: sign * (q + (name in favoured)) for name, (q, _) in exact.items()}


class OrderSplit:
    """Splits a sequence of orders between parts, so that positions stay by their weights.

    What is apportioned is the position that the orders lead to, not each order: the parts'
    rounding never adds up. It deals in what was ordered; what a venue did not fill is for that
    part's own order handling, and counted as execution divergence.

    Attributes
    ----------
    whole : int
        Position in lots, signed, by all orders so far.
    parts : dict of int
        Each part's position; they add up to `whole`, and none is a lot or more from its share.
    """

    def __init__(self, weights: Mapping[str, int]) -> None:
        self.weights = dict(weights)
        self.whole = 0
        self.parts = apportion(0, weights)

    def order(self, lots: int) -> dict[str, int]:
        """Return each part's own order, signed; with two parts none is against the order."""
        self.whole += lots
        return self._move(apportion(self.whole, self.weights))

    def reweigh(self, weights: Mapping[str, int]) -> dict[str, int]:
        """Change the weights; returns what each part has to buy or sell now: 0 in all.

        A part that is not among the new weights is left without a position.
        """
        named = dict(weights) | {name: 0 for name in self.parts if name not in weights}
        moved = apportion(self.whole, named)
        self.weights = named
        return self._move(moved)

    def _move(self, goal: dict[str, int]) -> dict[str, int]:
        orders = {name: lots - self.parts.get(name, 0) for name, lots in goal.items()}
        self.parts = goal
        return orders


def split_capital(capital: float, weights: Mapping[str, int], step: float = 0.01) -> dict[str, int]:
    """Return capital in whole steps (cents), divided by weights; raises ValueError for others."""
    steps = round(capital / step)
    # The product rounds, by as much as the capital is large.
    if abs(steps * step - capital) > max(step * 1e-6, 2.0 * math.ulp(capital)):
        raise ValueError(f"expected capital in whole steps of {step!r}, found {capital!r}")
    return apportion(steps, weights)
