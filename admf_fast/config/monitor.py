"""How a live run is watched: what is compared with a backtest, and who is told."""

from typing import Annotated, Literal

from msgspec import UNSET, Meta, UnsetType

from admf_fast.config.section import Count, Section

Text = Annotated[str, Meta(min_length=1)]
Variable = Annotated[
    str,
    Meta(
        pattern=r"^[A-Z_][A-Z0-9_]{0,63}$(?!\n)",
        extra={"expected": "the name of an environment variable, such as ADMF_ALERT_URLS"},
    ),
]
Days = Annotated[int, Meta(ge=2, le=10_000)]
FewDays = Annotated[int, Meta(ge=1, le=10_000)]
Bound = Annotated[float, Meta(ge=0.0, le=1e6)]
Chance = Annotated[float, Meta(gt=0.0, le=0.5)]


class AlertsSpec(Section, frozen=True, kw_only=True):
    """Who is told, and how often at most."""

    urls_env: (
        Annotated[
            Variable,
            Meta(description="Variable with the addresses (of apprise), divided by blanks."),
        ]
        | UnsetType
    ) = UNSET
    urls_file: (
        Annotated[
            Text, Meta(description="File with an address a line, readable by its owner alone.")
        ]
        | UnsetType
    ) = UNSET
    per_hour: Annotated[
        float, Meta(gt=0.0, le=3600.0, description="Alerts of one kind in an hour, on average.")
    ] = 4.0
    burst: Annotated[
        int, Meta(ge=1, le=1000, description="Alerts of one kind that may come at once.")
    ] = 3
    repeat_minutes: Annotated[
        float, Meta(ge=0.0, le=1e6, description="The same alert is not sent again before.")
    ] = 60.0
    queue: Annotated[
        int, Meta(ge=1, le=100_000, description="Alerts that may wait; more are dropped, counted.")
    ] = 256


class ServeSpec(Section, frozen=True, kw_only=True):
    """The pages /metrics and /health on 127.0.0.1."""

    port: Annotated[int, Meta(ge=0, le=65_535, description="Of 127.0.0.1; 0: any free one.")]
    token: Annotated[
        Literal["required", "none"],
        Meta(description="Whether a reader shows the token of the file monitor.token."),
    ] = "required"  # noqa: S105  a choice
    token_env: (
        Annotated[Variable, Meta(description="Variable with the token, in place of the file.")]
        | UnsetType
    ) = UNSET


class MonitorSpec(Section, frozen=True, kw_only=True):
    """How production is compared with a backtest, and who is told."""

    baseline: (
        Annotated[
            Text,
            Meta(description="File of admf baseline --out, or a run directory; none: no figures."),
        ]
        | UnsetType
    ) = UNSET
    window_days: Annotated[
        Days, Meta(description="Days that the figures of production are made of.")
    ] = 60
    horizon_days: Annotated[
        FewDays, Meta(description="Days over which false alarms are counted.")
    ] = 250
    false_alarms: Annotated[
        Chance,
        Meta(description="Chance of any false alarm of all figures together in horizon_days."),
    ] = 0.03
    confidence: Annotated[
        float, Meta(ge=0.5, lt=1.0, description="Of the band of each figure of the backtest.")
    ] = 0.95
    threshold: Annotated[
        Bound, Meta(description="How far outside its band a figure may be, as a fraction of it.")
    ] = 0.01
    cusum_shift: Annotated[
        float,
        Meta(gt=0.0, le=10.0, description="Half the shift to be found, in standard deviations."),
    ] = 0.25
    block_days: Annotated[
        Literal["estimated"] | Annotated[float, Meta(ge=1.0, le=10_000.0)],
        Meta(description="Mean length of a block of the bootstrap, or estimated from the days."),
    ] = "estimated"
    replicates: Annotated[int, Meta(ge=100, le=20_000, description="Of the bootstrap.")] = 2000
    seed: Annotated[Count, Meta(description="Of the bootstrap.")] = 1
    stale_bars: Annotated[
        float,
        Meta(gt=0.0, le=1e6, description="A last bar older than so many timeframes is unhealthy."),
    ] = 3.0
    alerts: Annotated[AlertsSpec, Meta(description="Who is told.")] = AlertsSpec()
    serve: Annotated[ServeSpec, Meta(description="The pages for readers.")] | UnsetType = UNSET
