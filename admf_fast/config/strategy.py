"""The section ``strategy``: a kernel, or a strategy written as expressions.

A section has exactly one form, told by its keys: `kernel`; `long` and `short`; `signal`;
`ensemble`; `regimes`. What the texts say is read by `admf_kernels.expressions` when a run is
prepared; here they are texts.
"""

from collections.abc import Sequence
from typing import Annotated, Literal

from msgspec import UNSET, Meta, UnsetType
from msgspec.structs import force_setattr

from admf_fast.config.section import Identifier, KernelName, Params, Section
from admf_fast.config.source import KeyPath, Problems

Text = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=2000,
        extra={"expected": 'an expression such as "close > sma(close, 20)"'},
    ),
]
# A bare true or 0.5 is an expression as well.
Expression = bool | int | float | Text
Conditions = Expression | tuple[Expression, ...]


class SideSpec(Section, frozen=True, kw_only=True):
    """When to enter and to leave one side of the market; of a list all must hold."""

    enter: Annotated[Conditions, Meta(description="Conditions to enter.")]
    exit: Annotated[
        Conditions | UnsetType,
        Meta(
            description="Conditions to leave. Left out, a position is kept until the other side "
            "enters or, where there is no other side, while its `enter` holds."
        ),
    ] = UNSET
    when: Annotated[
        Conditions | UnsetType, Meta(description="More conditions that an entry waits for.")
    ] = UNSET


class StrategySpec(Section, frozen=True, kw_only=True):
    """A strategy: a kernel with parameters, or rules, a signal, an ensemble, regimes."""

    kernel: Annotated[
        KernelName | UnsetType,
        Meta(description="Registered name, or module:name of a kernel of your own."),
    ] = UNSET
    params: Annotated[
        Params | UnsetType,
        Meta(
            description="Of a kernel: parameters by name; those left out keep the kernel's "
            "defaults. Else: numbers by name, for use in expressions."
        ),
    ] = UNSET
    long: Annotated[SideSpec | UnsetType, Meta(description="When to be long.")] = UNSET
    short: Annotated[SideSpec | UnsetType, Meta(description="When to be short.")] = UNSET
    signal: Annotated[
        Expression | UnsetType, Meta(description="The signal as one number in [-1, 1].")
    ] = UNSET
    ensemble: Annotated[
        "EnsembleSpec | UnsetType", Meta(description="Several strategies that vote.")
    ] = UNSET
    regimes: Annotated[
        "RegimesSpec | UnsetType", Meta(description="One strategy for each state of the market.")
    ] = UNSET
    variables: Annotated[
        dict[Identifier, Expression] | UnsetType,
        Meta(description="Expressions by name, for use in the others of this strategy."),
    ] = UNSET
    when: Annotated[
        Conditions | UnsetType,
        Meta(
            description="Conditions that an entry waits for; what is held is kept until the "
            "strategy leaves it. Of a list all must hold."
        ),
    ] = UNSET

    def __post_init__(self) -> None:
        # A kernel without parameters has the empty section, as every default is filled in.
        if self.kernel is not UNSET and self.params is UNSET:
            force_setattr(self, "params", {})

    @property
    def forms(self) -> list[str]:
        """The forms that its keys speak of; a right section has one."""
        keys = {
            "kernel": self.kernel,
            "rules": UNSET if self.long is UNSET and self.short is UNSET else True,
            "signal": self.signal,
            "ensemble": self.ensemble,
            "regimes": self.regimes,
        }
        return [form for form, value in keys.items() if value is not UNSET]

    @property
    def label(self) -> str:
        """What it is called in a title: its kernel's name, or its form."""
        return self.kernel if isinstance(self.kernel, str) else self.forms[0]


class MemberSpec(StrategySpec, frozen=True, kw_only=True):
    """One strategy of an ensemble."""

    name: Annotated[
        Identifier | UnsetType, Meta(description="Its name; m1, m2 and so on if left out.")
    ] = UNSET
    weight: Annotated[float, Meta(gt=0.0, le=1e9, description="Its share in a weighted vote.")] = (
        1.0
    )


class EnsembleSpec(Section, frozen=True, kw_only=True):
    """Several strategies that vote on one signal."""

    members: Annotated[
        tuple[MemberSpec, ...],
        Meta(description="The strategies that vote, one or more."),
    ]
    vote: Annotated[
        Literal["weighted", "majority", "unanimous"],
        Meta(
            description="weighted: the mean of the signals by weight. majority: the side that more "
            "than half want. unanimous: the side that all want."
        ),
    ] = "weighted"
    threshold: Annotated[
        float,
        Meta(gt=0.0, le=1.0, description="Size the weighted mean must reach, or the signal is 0."),
    ] = 0.5
    scale: Annotated[
        bool, Meta(description="Whether the weighted mean itself is the signal, not its sign.")
    ] = False


class StateSpec(Section, frozen=True, kw_only=True):
    """One state of the market."""

    name: Annotated[Identifier, Meta(description="Its name; unique.")]
    when: Annotated[Conditions, Meta(description="Conditions that must hold for it.")]


class RegimesSpec(Section, frozen=True, kw_only=True):
    """One strategy for each state of the market."""

    states: Annotated[
        tuple[StateSpec, ...],
        Meta(description="One or more, in order: the first that holds is the regime."),
    ]
    use: Annotated[
        dict[Identifier, StrategySpec | Literal["flat"]],
        Meta(description="A strategy, or flat, for each state; `otherwise` may be left out."),
    ]
    otherwise: Annotated[
        Identifier, Meta(description="The regime where no state holds; flat if `use` lacks it.")
    ] = "otherwise"
    confirm_bars: Annotated[
        int,
        Meta(ge=1, le=100_000, description="Bars in a row after which a regime comes into force."),
    ] = 1


def check_strategy(spec: StrategySpec, path: KeyPath, problems: Problems) -> None:
    """Note every section that has no form, or more than one."""
    if len(spec.forms) != 1:
        found = " and ".join(spec.forms) or "none of them"
        problems.add(
            path,
            "expected one of kernel, rules (long, short), signal, ensemble, regimes; "
            f"found {found}",
        )
    if isinstance(spec.ensemble, EnsembleSpec):
        for k, member in enumerate(spec.ensemble.members):
            check_strategy(member, (*path, "ensemble", "members", k), problems)
    if isinstance(spec.regimes, RegimesSpec):
        for name, used in spec.regimes.use.items():
            if isinstance(used, StrategySpec):
                check_strategy(used, (*path, "regimes", "use", name), problems)


def texts_of(given: Conditions | UnsetType) -> str | Sequence[str]:
    """Conditions as the text or texts of expressions; none where nothing was said."""
    if given is UNSET:
        return ()
    if isinstance(given, tuple):
        return tuple(text_of(item) for item in given)
    return text_of(given)


def text_of(given: Expression) -> str:
    """An expression as text: a number or a truth is written out."""
    if isinstance(given, bool):
        return str(given).lower()
    return given if isinstance(given, str) else repr(given)


__all__ = [
    "EnsembleSpec",
    "MemberSpec",
    "RegimesSpec",
    "SideSpec",
    "StateSpec",
    "StrategySpec",
    "check_strategy",
    "text_of",
    "texts_of",
]
