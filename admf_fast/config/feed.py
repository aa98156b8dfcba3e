"""How a live feed is guarded: what becomes of each fault of it, and how a run is warmed up."""

from typing import Annotated, Literal

from msgspec import Meta

from admf_fast.config.section import Section

Bars = Annotated[int, Meta(ge=0, le=10_000)]
Seconds = Annotated[float, Meta(gt=0.0, le=86_400.0)]


class FeedSpec(Section, frozen=True, kw_only=True):
    """Policies for what a live feed may do wrong; see the page on feeds.

    Attributes
    ----------
    gaps
        Bars that the calendar expects and that are missing. `hold`: no new entries while they
        are waited for, then the gap is marked. `mark`: waited for and marked, entries go on.
        `refuse`: the run stops once they have been waited for.
    wait_bars, wait_s
        A missing bar is waited for until more than so many later ones are there, or for so long.
        Without a calendar it is not known what is missing: nothing is waited for, except the
        other instruments of a moment.
    duplicates
        A bar that is delivered again with the same values: passed over, or the run stops.
    conflicts
        A bar that is delivered again with other values. `first`: the one that was processed
        stands, and the other is noted.
    late
        A bar that arrives after a later one was processed: passed over, or the run stops.
    unclosed, grace_s
        A bar in progress that is never followed by the closed one. `drop`: it is missing.
        `close`: its last values count as closed, `grace_s` after its end by the feed's own times.
    off_session
        A bar outside the sessions of the calendar: processed as in files, passed over, or the
        run stops.
    malformed_per_minute
        Lines that are no bar are set aside; one more than this within 60 s stops the run.
    stale_bars, stale
        After so many bars of silence while the market is open. `hold`: no new entries until a
        bar arrives that is current. 0 bars: never.
    skew_s, clock
        How far the clock of the machine may be off from the times of the feed, or jump. `hold`:
        no new entries until they agree again.
    move_percent, volume_factor, implausible
        A price above the last close by more, or below it by as large a factor, and a volume above
        this multiple of the largest of the last 32 are implausible; 0 is off. `hold`: the bar
        waits for the next one, which confirms it or not. `drop`, `keep` it, or `refuse`: the run
        stops.
    repeated_bars
        After so many bars that are the same to the bit, volume included and above 0, no new
        entries until another one; 0 is off.
    warmup
        Which history is replayed, with orders off, before the first live bar: `none`, `all`, or
        only as many bars as the kernels need until they are `ready`.
    warmup_path
        Where it is, a file as in `bars.path`; that one if left out.
    overlap_bars
        How many bars history and feed must both have delivered, equal to the bit, before the
        first new bar is processed.
    """

    gaps: Literal["hold", "mark", "refuse"] = "hold"
    wait_bars: Bars = 2
    wait_s: Seconds = 30.0
    duplicates: Literal["drop", "refuse"] = "drop"
    conflicts: Literal["first", "refuse"] = "first"
    late: Literal["drop", "refuse"] = "drop"
    unclosed: Literal["drop", "close"] = "drop"
    grace_s: Seconds = 5.0
    off_session: Literal["keep", "drop", "refuse"] = "keep"
    malformed_per_minute: Bars = 10
    stale_bars: Bars = 3
    stale: Literal["hold", "note", "refuse"] = "hold"
    skew_s: Seconds = 5.0
    clock: Literal["hold", "note", "refuse"] = "hold"
    move_percent: Annotated[float, Meta(ge=0.0, le=1e6)] = 50.0
    volume_factor: Annotated[float, Meta(ge=0.0, le=1e12)] = 1000.0
    implausible: Literal["hold", "drop", "keep", "refuse"] = "hold"
    repeated_bars: Bars = 20
    warmup: Literal["none", "all", "ready"] = "none"
    warmup_path: str = ""
    overlap_bars: Annotated[int, Meta(ge=0, le=1000)] = 0
