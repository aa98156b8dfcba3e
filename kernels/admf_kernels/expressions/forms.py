"""The forms a strategy takes when it is written as expressions, as plain values.

Every form may have `variables` (named expressions), `params` (named numbers, which a sweep
can vary) and `when` (conditions that entries wait for).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from admf_kernels.contract import Strategy

Texts = str | Sequence[str]
Vote = Literal["weighted", "majority", "unanimous"]


@dataclass(frozen=True, kw_only=True)
class Form:
    """What every form has in common.

    Attributes
    ----------
    variables : mapping of str to str
        Expressions by name, for use in the others.
    params : mapping of str to number
        Numbers by name, for use in expressions; for `Kernel` those of the kernel.
    when : str or sequence of str
        Conditions that must all hold for a position to be entered, added to or turned round;
        what is held is kept until the strategy leaves it.
    """

    variables: Mapping[str, str] = field(default_factory=dict)
    params: Mapping[str, float] = field(default_factory=dict)
    when: Texts = ()


@dataclass(frozen=True, kw_only=True)
class Side:
    """When to enter and to leave one side of the market; of several texts all must hold."""

    enter: Texts
    exit: Texts = ()
    when: Texts = ()


@dataclass(frozen=True, kw_only=True)
class Rules(Form):
    """Long, short or flat by entry and exit conditions.

    On each bar, in this order: a position whose `exit` holds is left. A side may enter
    where its `enter` and every `when` hold and its `exit` does not; if both may, none does.
    A side that enters takes the place of the other. Without `exit` a position is kept until
    the other side enters, or, where there is no other side, while its `enter` holds.
    """

    long: Side | None = None
    short: Side | None = None


@dataclass(frozen=True, kw_only=True)
class Signal(Form):
    """The signal as one number in [-1, 1]; no value (a division by zero) is 0."""

    signal: str


@dataclass(frozen=True, kw_only=True)
class Kernel(Form):
    """A strategy kernel with its parameters."""

    kernel: Strategy


@dataclass(frozen=True, kw_only=True)
class Member:
    """One voter of an ensemble; without a name it is ``m1``, ``m2`` and so on."""

    form: Form
    name: str = ""
    weight: float = 1.0


@dataclass(frozen=True, kw_only=True)
class Ensemble(Form):
    """Several strategies that vote.

    ``weighted``: the mean of the members' signals by weight; where its size is at least
    `threshold` the signal is its sign, or with `scale` the mean itself, else 0.
    ``majority``: the side that more than half of all members want, else 0.
    ``unanimous``: the side that all members want, else 0.
    """

    members: Sequence[Member]
    vote: Vote = "weighted"
    threshold: float = 0.5
    scale: bool = False


@dataclass(frozen=True, kw_only=True)
class State:
    """One regime, and the conditions that must all hold for it."""

    name: str
    when: Texts


@dataclass(frozen=True, kw_only=True)
class Regimes(Form):
    """One strategy for each state of the market.

    The regime of a bar is the first of `states` whose conditions hold, else `otherwise`. It
    comes into force once it was that of `confirm_bars` bars in a row. The signal is that of
    the strategy in `use` for the regime in force; None is flat, and so is the time before
    the first. All strategies advance on every bar, in force or not.
    """

    states: Sequence[State]
    use: Mapping[str, Form | None]
    otherwise: str = "otherwise"
    confirm_bars: int = 1
