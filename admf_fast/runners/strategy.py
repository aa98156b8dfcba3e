"""From the section `strategy` of a configuration to a strategy and its parameters."""

from collections.abc import Mapping
from typing import Any

from msgspec import UNSET

from admf_fast.config import Config, EnsembleSpec, MemberSpec, RegimesSpec, SideSpec, StrategySpec
from admf_fast.config.source import KeyPath, key_text
from admf_fast.config.strategy import text_of, texts_of
from admf_fast.errors import ConfigError
from admf_kernels import expressions, registry
from admf_kernels.contract import Output, Strategy
from admf_kernels.errors import KernelError
from admf_kernels.expressions import (
    Ensemble,
    ExpressionError,
    Form,
    Kernel,
    Member,
    Regimes,
    Rules,
    Side,
    Signal,
    State,
)


def strategy_of(config: Config, features: Mapping[str, Output]) -> tuple[Strategy, Any]:
    """Return the strategy that a configuration means, and its checked parameters.

    Raises ConfigError with file and line, and for an expression the column in it.
    """
    spec = config.strategy
    if spec.forms == ["kernel"] and spec.when is UNSET and spec.variables is UNSET:
        kernel = kernel_of(config, str(spec.kernel), ("strategy", "kernel"), Strategy)
        return kernel, checked_params(config, kernel, _params(spec), ("strategy", "params"))
    try:
        made = expressions.strategy_of(_form(config, spec, ("strategy",)), features)
        return made, made.checked()
    except ExpressionError as error:
        path = ("strategy", *error.place)
        cut = error.reason.endswith("found the end") and isinstance(path[-1], int)
        hint = "; inside [ ] of YAML a text with a comma needs quotes" if cut else ""
        where = config.where(*path)
        raise ConfigError(f"{where}: {key_text(path)}: {error.text}{hint}") from error


def _form(config: Config, spec: StrategySpec, path: KeyPath) -> Form:
    """Return a section as the form that the kernels know."""
    names: dict[str, str] = {}
    if isinstance(spec.variables, dict):
        names = {name: text_of(text) for name, text in spec.variables.items()}
    common: Any = {"variables": names, "params": _params(spec), "when": texts_of(spec.when)}
    if isinstance(spec.kernel, str):
        kernel = kernel_of(config, spec.kernel, (*path, "kernel"), Strategy)
        return Kernel(kernel=kernel, **common)
    if isinstance(spec.ensemble, EnsembleSpec):
        return _ensemble(config, spec.ensemble, (*path, "ensemble"), common)
    if isinstance(spec.regimes, RegimesSpec):
        return _regimes(config, spec.regimes, (*path, "regimes"), common)
    if spec.signal is not UNSET:
        return Signal(signal=text_of(spec.signal), **common)
    return Rules(long=_side(spec.long), short=_side(spec.short), **common)


def _params(spec: StrategySpec) -> Mapping[str, Any]:
    return spec.params if isinstance(spec.params, dict) else {}


def _side(spec: Any) -> Side | None:
    if not isinstance(spec, SideSpec):
        return None
    parts = (texts_of(spec.enter), texts_of(spec.exit), texts_of(spec.when))
    return Side(enter=parts[0], exit=parts[1], when=parts[2])


def _ensemble(config: Config, spec: EnsembleSpec, path: KeyPath, common: Any) -> Ensemble:
    members = [_member(config, m, (*path, "members", k)) for k, m in enumerate(spec.members)]
    return Ensemble(
        members=members, vote=spec.vote, threshold=spec.threshold, scale=spec.scale, **common
    )


def _member(config: Config, spec: MemberSpec, path: KeyPath) -> Member:
    name = spec.name if isinstance(spec.name, str) else ""
    return Member(form=_form(config, spec, path), name=name, weight=spec.weight)


def _regimes(config: Config, spec: RegimesSpec, path: KeyPath, common: Any) -> Regimes:
    use = {
        name: _form(config, used, (*path, "use", name)) if isinstance(used, StrategySpec) else None
        for name, used in sorted(spec.use.items())
    }
    states = [State(name=state.name, when=texts_of(state.when)) for state in spec.states]
    return Regimes(
        states=states, use=use, otherwise=spec.otherwise, confirm_bars=spec.confirm_bars, **common
    )


def kernel_of(config: Config, name: str, where: tuple[str | int, ...], kind: Any) -> Any:
    """Return the kernel of a name, which must be of a kind; ConfigError with the line of it."""
    try:
        found = registry.get(name)
    except KernelError as error:
        raise ConfigError(f"{config.where(*where)}: {error}") from error
    if not isinstance(found, kind):
        wanted = "a strategy" if kind is Strategy else "an indicator"
        raise ConfigError(
            f"{config.where(*where)}: expected {wanted}, {name!r} is "
            f"{'a strategy' if isinstance(found, Strategy) else 'an indicator'}"
        )
    return found


def checked_params(
    config: Config, kernel: Any, params: Mapping[str, Any], where: tuple[str | int, ...]
) -> Any:
    """Return the checked Params of a kernel; ConfigError with the line of them."""
    try:
        return kernel.checked(**params)
    except KernelError as error:
        raise ConfigError(f"{config.where(*where)}: {error}") from error
