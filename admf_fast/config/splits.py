"""How a sweep's bars are split into those that sets are chosen on and those they are tested on."""

from typing import Annotated, Literal

from msgspec import Meta

from admf_fast.config.section import Count, Section

Bars = Annotated[int, Meta(ge=0, le=10**9)]


class SplitSpec(Section, frozen=True, kw_only=True):
    """What every way to split has in common."""

    unit: Annotated[
        Literal["bars", "days"],
        Meta(description="Of all lengths: bars, or UTC days on which there are bars."),
    ] = "bars"
    by: Annotated[str, Meta(description="Figure by which the set is chosen, the largest.")] = (
        "sharpe"
    )
    warmup: Annotated[
        Literal["cold", "ready", "train"] | Bars,
        Meta(
            description="Bars before the test that its run begins with: cold: none; ready: as "
            "many as the strategy needs before its first signal; train: the train bars before "
            "it; or a number of bars."
        ),
    ] = "cold"
    blocks: Annotated[
        int,
        Meta(ge=2, le=16, description="Even number of parts for the probability of overfitting."),
    ] = 10
    shuffles: Annotated[
        int,
        Meta(
            ge=0, le=10_000,
            description="How often all sets are run on shuffled bars, to see what choosing the "
            "best of them finds in chance; 0: never.",
        ),
    ] = 0  # fmt: skip
    split: Annotated[
        str,
        Meta(
            pattern=r"^([0-9a-f]{8,64})?$",
            description="Digest of the split, or how it begins: bars that lead to another one "
            "are refused.",
        ),
    ] = ""


class WalkForwardSpec(SplitSpec, frozen=True, kw_only=True):
    """Choose a set on past bars, see what it does on the following ones, and move on."""

    train: Annotated[Count, Meta(description="Length of the bars that a set is chosen on.")]
    test: Annotated[Count, Meta(description="Length of the bars that it is tested on.")]
    gap: Annotated[Bars, Meta(description="Left out between train and test.")] = 0
    anchored: Annotated[bool, Meta(description="Whether every train begins at the first bar.")] = (
        False
    )


class KFoldSpec(SplitSpec, frozen=True, kw_only=True):
    """Test on each of some equal parts of the bars, and choose on all others."""

    folds: Annotated[int, Meta(ge=2, le=1000, description="How many parts there are.")]
    purge: Annotated[
        Bars, Meta(description="Left out of the train bars before the test.")
    ] = 0  # fmt: skip
    embargo: Annotated[Bars, Meta(description="Left out of the train bars after the test.")] = 0


class HoldoutSpec(SplitSpec, frozen=True, kw_only=True):
    """Choose on all bars before a time, and test on those from then on."""

    test_from: Annotated[
        str, Meta(description="ISO date or time (UTC) of the close of the first test bar.")
    ]
    gap: Annotated[Bars, Meta(description="Left out before the test.")] = 0


Split = WalkForwardSpec | KFoldSpec | HoldoutSpec
# Where each stands under ``sweep``.
SPLITS: dict[str, type[SplitSpec]] = {
    "walkforward": WalkForwardSpec,
    "kfold": KFoldSpec,
    "holdout": HoldoutSpec,
}
