"""A rollout plan: its stages, and what has to be shown before each is left."""

import hashlib
import os
from fractions import Fraction
from pathlib import Path
from typing import Annotated, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from admf_fast.config import Problems
from admf_fast.config.document import load_document
from admf_fast.config.section import Name, Section

Mode = Literal["backtest", "paper", "live"]
MODES: tuple[Mode, ...] = ("backtest", "paper", "live")
BEFORE: dict[str, str] = {"paper": "backtest", "live": "paper"}
Count = Annotated[int, Meta(ge=0, le=1_000_000_000)]
Bound = Annotated[float, Meta(ge=0.0, le=1e6)]


class GatesSpec(Section, frozen=True, kw_only=True):
    """What has to be shown in a stage before it is left upwards."""

    bars: Annotated[Count, Meta(description="Bars without a logic divergence.")] = 1
    days: Annotated[Count, Meta(description="Days with bars, without a logic divergence.")] = 1
    shadow_bars: Annotated[
        Count, Meta(description="Bars that a shadow has compared in the live run itself.")
    ] = 0
    shadow_days: Annotated[Count, Meta(description="Days with such bars.")] = 0
    max_execution_bps: (
        Annotated[Bound, Meta(description="Mean distance of fills from the model's, worse is +.")]
        | UnsetType
    ) = UNSET
    max_unmatched_percent: Annotated[
        Bound, Meta(description="Of lots filled on one side and not on the other.")
    ] = 0.0
    max_outside: Annotated[
        Count, Meta(description="Figures that may be outside their bands of the baseline.")
    ] = 0


class StageSpec(Section, frozen=True, kw_only=True):
    """A stage: a mode, and how much of the capital is in it; the rest is in the mode before."""

    name: Annotated[Name, Meta(description="Of the stage; unique.")]
    mode: Annotated[Mode, Meta(description="backtest, paper or live.")]
    percent: Annotated[
        float, Meta(gt=0.0, le=100.0, description="Of the capital; the rest is in the mode before.")
    ] = 100.0
    gates: Annotated[GatesSpec, Meta(description="What is shown before it is left upwards.")] = (
        GatesSpec()
    )

    @property
    def share(self) -> Fraction:
        """Share of the capital, as its decimal says it."""
        return Fraction(repr(float(self.percent))) / 100

    @property
    def weights(self) -> dict[str, int]:
        """Shares of the modes as whole numbers, the mode before first; nothing is rounded."""
        share = self.share
        over = share.denominator
        made = {} if share == 1 else {BEFORE.get(self.mode, self.mode): over - share.numerator}
        return made | {self.mode: share.numerator}


class PlanContent(Section, frozen=True, kw_only=True):
    """A rollout from backtest over paper to live."""

    name: Annotated[Name, Meta(description="Of the rollout.")]
    config: Annotated[
        str, Meta(min_length=1, description="Configuration that is rolled out, from the plan.")
    ]
    state: Annotated[
        str, Meta(min_length=1, description="Folder of state and history, from the plan.")
    ] = "rollout"
    capital: (
        Annotated[float, Meta(gt=0.0, description="To be split; the configuration's cash if none.")]
        | UnsetType
    ) = UNSET
    on_logic_divergence: Annotated[
        str, Meta(description="Stage to fall back to; none: the last before live.")
    ] = ""
    on_breach: Annotated[
        str, Meta(description="Stage to fall back to when execution leaves its band; none: the one "
        "before."),
    ] = ""  # fmt: skip
    stages: Annotated[tuple[StageSpec, ...], Meta(min_length=1, description="In order, upwards.")]


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """A checked plan and where it is from; `digest` is of its content."""

    content: PlanContent
    folder: Path

    @property
    def digest(self) -> str:
        """SHA-256 of the plan's content."""
        encoded = msgspec.json.encode(self.content, order="deterministic")
        return hashlib.sha256(encoded).hexdigest()

    @property
    def stages(self) -> tuple[StageSpec, ...]:
        """The stages, upwards."""
        return self.content.stages

    @property
    def config_path(self) -> Path:
        """Where the configuration is."""
        return self.folder / self.content.config

    @property
    def state_folder(self) -> Path:
        """Where state and history are."""
        return self.folder / self.content.state

    def place(self, name: str) -> int:
        """Return the place of a stage; -1 if there is none of that name."""
        return next((k for k, stage in enumerate(self.stages) if stage.name == name), -1)

    def fallback(self, place: int, *, logic: bool) -> int:
        """Return the place to fall back to from a stage on a breach; at most that stage."""
        content = self.content
        named = content.on_logic_divergence if logic else content.on_breach
        if named:
            return min(self.place(named), place)
        if not logic:
            return max(place - 1, 0)
        before_live = [k for k, s in enumerate(self.stages) if s.mode != "live"]
        return min(before_live[-1] if before_live else 0, place)


DEFAULT_STAGES = (
    StageSpec(name="backtest", mode="backtest"),
    StageSpec(name="paper", mode="paper"),
    *(StageSpec(name=f"live-{n}", mode="live", percent=float(n)) for n in (1, 10, 50, 100)),
)


def load_plan(path: str | os.PathLike[str]) -> Plan:
    """Read and check a plan; raises ConfigError for all that is wrong, with lines."""
    name = os.fspath(path)
    content, problems = load_document(name, PlanContent)
    check_stages(content, problems)
    problems.raise_if_any()
    return Plan(content=content, folder=Path(name).parent)


def check_stages(content: PlanContent, problems: Problems) -> None:
    """Note every rule of the stages that is broken."""
    names: list[str] = []
    before = StageSpec(name="none", mode="backtest", percent=1e-9)
    for k, stage in enumerate(content.stages):
        place = ("stages", k)
        if stage.name in names:
            problems.add((*place, "name"), f"expected a name used once; found {stage.name}")
        names.append(stage.name)
        if stage.mode == "backtest" and stage.percent != 100.0:
            text = f"expected 100 in a backtest, as nothing is before it; found {stage.percent!r}"
            problems.add((*place, "percent"), text)
        rank, rank_before = MODES.index(stage.mode), MODES.index(before.mode)
        if rank < rank_before or (rank == rank_before and stage.percent <= before.percent):
            text = (
                f"expected stages upwards, after {before.mode} {before.percent:g} %; found "
                f"{stage.mode} {stage.percent:g} %"
            )
            problems.add(place, text)
        elif rank > rank_before and before.name != "none" and before.percent != 100.0:
            text = f"expected 100 % of {before.mode} before {stage.mode}"
            problems.add(place, f"{text}; found {before.percent:g} %")
        if stage.mode == "live" and "paper" not in [s.mode for s in content.stages[:k]]:
            problems.add(place, "expected a stage of mode paper before live; found none")
        before = stage
    for key in ("on_logic_divergence", "on_breach"):
        named = getattr(content, key)
        if named and named not in names:
            text = f"expected one of {', '.join(names)}; found {named}"
            problems.add((key,), text)
