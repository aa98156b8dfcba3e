"""The section ``sweep``: which values the keys of a configuration take, and over which bars."""

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from admf_fast.config.section import Count, Section
from admf_fast.config.source import KeyPath, Problems, nearest
from admf_fast.config.splits import SPLITS, HoldoutSpec, KFoldSpec, SplitSpec, WalkForwardSpec
from admf_fast.config.strategy import Conditions

SETS_MAX = 1_000_000
# Sections whose keys may be swept; the bars are listed under `data`.
SWEPT = (
    *("strategy", "instrument", "account", "entry", "exits", "sizing", "risk", "execution"),
    *("costs", "direction"),
)
_AXIS_KEYS = ("values", "when", "otherwise")


class SampleSpec(Section, frozen=True, kw_only=True):
    """Draw some of the sets instead of taking all."""

    method: Annotated[
        Literal["random", "latin_hypercube", "sobol"],
        Meta(description="How they are drawn; the last two spread them evenly, and need SciPy."),
    ] = "random"
    sets: Annotated[Count, Meta(description="How many are drawn.")]
    seed: Annotated[int, Meta(ge=0, le=2**53, description="The same seed draws the same sets.")] = 0


class SearchSpec(Section, frozen=True, kw_only=True):
    """Let a sampler of Optuna propose the sets, by what the ones before them came to."""

    trials: Annotated[Count, Meta(description="How many sets are proposed, repeated ones too.")]
    metric: Annotated[str, Meta(description="Figure to look for; of several inputs its mean.")] = (
        "sharpe"
    )
    direction: Annotated[
        Literal["maximize", "minimize"], Meta(description="Whether large or small is good.")
    ] = "maximize"
    sampler: Annotated[
        Literal["tpe", "random"], Meta(description="Of Optuna: learning, or not.")
    ] = "tpe"
    seed: Annotated[int, Meta(ge=0, lt=2**32, description="The same seed finds the same sets.")] = 0
    batch: Annotated[
        Count, Meta(description="Sets proposed at once, before any of them has a figure.")
    ] = 64


class SweepSpec(Section, frozen=True, kw_only=True):
    """Many parameter sets of one configuration."""

    grid: Annotated[
        dict[str, Any],
        Meta(
            description="Values by key, such as strategy.params.fast: a list, a text such as "
            "range(10, 50, 5), or a section with values, when and otherwise. All combinations."
        ),
    ] = msgspec.field(default_factory=dict)
    zip: Annotated[
        tuple[dict[str, Any], ...],
        Meta(description="Groups of keys whose values go together, first with first."),
    ] = ()
    where: Annotated[
        Conditions, Meta(description="Conditions that a set must meet, such as fast < slow.")
    ] = ()
    sample: Annotated[
        SampleSpec | UnsetType, Meta(description="Draw some of the sets instead of taking all.")
    ] = UNSET
    search: Annotated[
        SearchSpec | UnsetType,
        Meta(description="Propose some of the sets by the figures of those before them."),
    ] = UNSET
    walkforward: Annotated[
        WalkForwardSpec | UnsetType, Meta(description="How admf walkforward splits the bars.")
    ] = UNSET
    kfold: Annotated[KFoldSpec | UnsetType, Meta(description="How admf kfold splits the bars.")] = (
        UNSET
    )
    holdout: Annotated[
        HoldoutSpec | UnsetType, Meta(description="How admf holdout splits the bars.")
    ] = UNSET
    keep: Annotated[
        tuple[Literal["signals", "trades", "equity"], ...],
        Meta(
            description="What to write besides, one file each: changed signals, closed trades, "
            "equity where it changes."
        ),
    ] = ()
    equity_every: Annotated[
        Literal["day"] | Count,
        Meta(description="When equity is looked at: at the end of UTC days, or so many bars."),
    ] = "day"
    from_signals: Annotated[
        str,
        Meta(
            description="File of stored signals, of admf sweep --signals: its sets of the "
            "strategy are played back in place of the strategy, each with all sets of the grid."
        ),
    ] = ""
    data: Annotated[
        tuple[str, ...],
        Meta(description="Paths of several inputs, each on an account of its own; as bars.path."),
    ] = ()
    deadline_s: Annotated[
        float,
        Meta(
            ge=0.0, le=1e6,
            description="How long a chunk of sets may make no progress before its sets are tried "
            "apart, in processes that can be ended; 0: for ever.",
        ),
    ] = 300.0  # fmt: skip
    sets_max: Annotated[
        int, Meta(ge=1, le=10**9, description="More sets than this are refused.")
    ] = SETS_MAX


def axes_of(section: Mapping[str, Any], path: KeyPath = ()) -> Iterator[tuple[str, KeyPath, Any]]:
    """Yield dotted key, place and values of a group; sections inside sections are longer keys."""
    for key, value in section.items():
        if isinstance(value, Mapping) and "values" not in value and value:
            for inner, place, found in axes_of(value, (*path, key)):
                yield f"{key}.{inner}", place, found
        else:
            yield key, (*path, key), value


def check_sweep(spec: SweepSpec, problems: Problems) -> None:
    """Note every key that cannot be swept, that is there twice, or whose section is not right."""
    seen: dict[str, KeyPath] = {}
    groups: list[tuple[KeyPath, Mapping[str, Any]]] = [(("sweep", "grid"), spec.grid)]
    groups += [(("sweep", "zip", k), group) for k, group in enumerate(spec.zip)]
    for place, group in groups:
        for key, path, value in axes_of(group, place):
            _check_key(key, path, problems)
            if spec.from_signals and key.partition(".")[0] == "strategy":
                problems.add(path, f"{key}: sweep.from_signals has the sets of the strategy")
            if key in seen:
                problems.add(path, f"expected each key once; {key} is there already")
            seen[key] = path
            if isinstance(value, Mapping):
                for name in value:
                    if name not in _AXIS_KEYS:
                        problems.unknown((*path, name), _AXIS_KEYS)
    for name in SPLITS:
        split = getattr(spec, name)
        if isinstance(split, SplitSpec) and split.blocks % 2:
            path = ("sweep", name, "blocks")
            problems.add(path, f"expected an even number; found {split.blocks}")
    if isinstance(spec.search, SearchSpec) and isinstance(spec.sample, SampleSpec):
        problems.add(("sweep", "search"), "expected search or sample; found both")
    if not seen and not spec.from_signals:
        problems.add(("sweep", "grid"), "expected keys with values; found none in grid or zip")


def _check_key(key: str, path: KeyPath, problems: Problems) -> None:
    section = key.partition(".")[0]
    if section in SWEPT:
        return
    if section == "bars":
        hint = "list other bars under sweep.data"
    else:
        close = nearest(section, SWEPT)
        hint = f"did you mean {close}?" if close else "write it with its section"
    text = f"expected a key of {', '.join(SWEPT)}, such as strategy.params.fast; found {key}"
    problems.add(path, f"{text}; {hint}")
