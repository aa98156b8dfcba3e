"""When a position is left besides by signal."""

from typing import Annotated, Literal

from msgspec import UNSET, Meta, UnsetType

from admf_fast.config.distance import DistanceSpec
from admf_fast.config.section import Cost, Count, Section, Share

TARGETS_MAX = 3
ExitKind = Literal[
    "signal",
    "reversal",
    "stop_loss",
    "take_profit",
    "trailing_stop",
    "break_even",
    "max_bars",
    "session_end",
]


class TargetSpec(DistanceSpec, frozen=True, kw_only=True):
    """A gain at which a part of the position is sold, in exactly one unit."""

    part: Annotated[
        Share, Meta(description="Per cent of the position at entry that leaves here.")
    ] = 100.0


class TrailingSpec(DistanceSpec, frozen=True, kw_only=True):
    """A stop that follows the best price since the entry, in exactly one unit."""

    start: Annotated[
        Cost, Meta(description="Gain from which on it follows, in the same unit; 0: at once.")
    ] = 0.0
    follow: Annotated[
        Literal["high_low", "close"],
        Meta(description="The best price: of highs and lows, or of closes."),
    ] = "high_low"


class BreakEvenSpec(DistanceSpec, frozen=True, kw_only=True):
    """A gain that moves the stop to the entry price, in exactly one unit."""

    offset: Annotated[
        Cost, Meta(description="How far beyond the entry price, in the same unit.")
    ] = 0.0


class SessionEndSpec(Section, frozen=True, kw_only=True):
    """Leave before the session ends."""

    minutes: Annotated[
        float, Meta(ge=0.0, lt=1440.0, description="Minutes before the session's close.")
    ] = 0.0


class ExitsSpec(Section, frozen=True, kw_only=True):
    """When a position is left besides by signal."""

    stop_loss: (
        Annotated[DistanceSpec, Meta(description="Loss at which the position is closed.")]
        | UnsetType
    ) = UNSET
    take_profit: Annotated[
        TargetSpec | tuple[TargetSpec, ...],
        Meta(description="Gain at which it is closed, or a list of up to 3 with their parts."),
    ] = ()
    trailing_stop: (
        Annotated[TrailingSpec, Meta(description="A stop that follows the best price.")] | UnsetType
    ) = UNSET
    break_even: (
        Annotated[BreakEvenSpec, Meta(description="A gain that moves the stop to the entry price.")]
        | UnsetType
    ) = UNSET
    max_bars: (
        Annotated[Count, Meta(description="Bars after which the position is closed.")] | UnsetType
    ) = UNSET
    session_end: (
        Annotated[
            SessionEndSpec,
            Meta(description="Close before the session ends; needs the calendar of the bars."),
        ]
        | UnsetType
    ) = UNSET
    base: Annotated[
        Literal["fill", "close"],
        Meta(
            description="Price that distances count from. fill: that of the entry. close: the "
            "close of its bar, known only then, so with execution.entry_bar none."
        ),
    ] = "fill"
    atr_period: Annotated[
        int,
        Meta(ge=1, le=100_000, description="Bars of the ATR for distances in atr, entries too."),
    ] = 14
    memory: Annotated[
        Literal["all", "none"] | tuple[ExitKind, ...],
        Meta(
            description="Exits after which a signal that has not changed does not enter again: "
            "all, none, or a list of exits."
        ),
    ] = "all"

    @property
    def targets(self) -> tuple[TargetSpec, ...]:
        """The targets, nearest first."""
        found = self.take_profit
        return found if isinstance(found, tuple) else (found,)
