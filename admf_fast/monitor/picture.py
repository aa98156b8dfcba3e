"""How a live run is, at one moment: what the pages show."""

import msgspec

from admf_fast.monitor.observer import LiveStatus


class Health(msgspec.Struct, frozen=True, kw_only=True):
    """Whether a run is well, and why not; times are UTC nanoseconds."""

    ok: bool
    reasons: tuple[str, ...]
    name: str
    mode: str = ""
    state: str = ""
    feed: str = ""
    last_bar_ns: int = 0
    last_bar_age_seconds: float = 0.0
    journal_sequence: int = 0
    divergence: str = ""


class Picture(msgspec.Struct, frozen=True, kw_only=True):
    """All that is known at one moment.

    `figures` are those of the window of production, `baseline` those of the backtest, `sums` the
    upper sum, lower sum and limit of each figure that has one.
    """

    health: Health
    status: LiveStatus | None
    figures: dict[str, float]
    baseline: dict[str, float]
    sums: dict[str, tuple[float, float, float]]
    outside: tuple[str, ...]
    days: int
    bars: int
    steps: int
    step_seconds: float
    notes: dict[str, int]
    errors: int
    alerts_sent: int
    alerts_suppressed: int
    alerts_dropped: int
    alerts_failed: int
    cusum_alarms: int
