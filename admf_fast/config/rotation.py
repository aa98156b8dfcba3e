"""How instruments take turns: by rank, from time to time."""

from typing import Annotated, Literal

from msgspec import Meta

from admf_fast.config.section import Count, Section


class RotationSpec(Section, frozen=True, kw_only=True):
    """Hold the instruments of the highest scores long, those of the lowest short.

    The strategy's value is the score; one that is no number takes no part.
    """

    hold: Annotated[
        int, Meta(ge=0, le=10_000, description="Instruments held long, the best first.")
    ] = 1
    short: Annotated[
        int, Meta(ge=0, le=10_000, description="Instruments held short, the worst first.")
    ] = 0
    every: Annotated[
        Literal["day", "week", "month"] | Count,
        Meta(description="Ranked at the first close of a day, week or month, or every n closes."),
    ] = "month"
