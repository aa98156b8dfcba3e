"""From a form to a `Strategy`: the same kind of kernel as one written in Python."""

from collections.abc import Mapping
from typing import Any

from admf_kernels.contract import Output, Strategy
from admf_kernels.errors import KernelError
from admf_kernels.expressions.builder import Builder
from admf_kernels.expressions.errors import ExpressionError
from admf_kernels.expressions.forms import Form, Kernel
from admf_kernels.expressions.generate import class_of, digest_of, function_of, state_class
from admf_kernels.expressions.graph import AnyRecipe, Node, Read, Ready
from admf_kernels.expressions.names import Scope
from admf_kernels.expressions.pieces import signal_of
from admf_kernels.expressions.tree import number_text
from admf_kernels.parameters import Rule

HEADING = "Made from expressions."


def strategy_of(form: Form, features: Mapping[str, Output] | None = None) -> Strategy:
    """Return the strategy kernel that a form means.

    Parameters
    ----------
    form : Rules, Signal, Kernel, Ensemble or Regimes
    features : mapping of str to Output, optional
        Features that expressions may use by name.

    Raises
    ------
    ExpressionError
        With the place of the faulty text and the column in it.
    """
    if isinstance(form, Kernel) and not form.when and not form.variables:
        return _with_defaults(form)
    builder = Builder()
    writer = builder.writer
    signal = signal_of(builder, form, Scope(features=features or {}), "", ())
    if writer.checked and writer.checked != [signal]:
        usable = writer.both(*(f"inside({name})" for name in writer.checked))
        signal = writer.assign(f"select({usable}, {signal}, nan)")
    state = state_class(tuple(writer.state.items()))
    arguments = writer.arguments()
    lines = [*writer.lines, *writer.result(signal, "State")]
    recipes = dict(writer.features)
    described = [f"{name}={described_recipe(recipe)}" for recipe, name in recipes.items()]
    kind = type(form).__name__.lower()
    name = f"{kind}_{digest_of(*arguments, *lines, *described, *builder.params)}"
    _check_used(builder, recipes)
    params = _params_class(builder, _whole(recipes))
    constants, prepare = _constants(builder, params)
    step = function_of("step", arguments, lines, {**writer.names, "State": state})
    features_of = _features(recipes)
    try:
        features_of(params())
    except KernelError as error:
        raise ExpressionError(str(error)) from error
    rules = (*builder.rules, Rule("parameters that its features take", _can_be(features_of)))
    return Strategy(name, step, params, state, constants, prepare, rules, features_of)


def _with_defaults(form: Kernel) -> Strategy:
    """Return a kernel as it is; its parameters are given where it is used."""
    try:
        form.kernel.checked(**form.params)
    except KernelError as error:
        raise ExpressionError(str(error), place=("params",)) from error
    return form.kernel


def _whole(recipes: Mapping[AnyRecipe, str]) -> set[str]:
    """Return the parameters that must be whole numbers: an indicator takes them as such."""
    return {name for recipe in recipes for name, kind in recipe.param_names() if kind == "int"}


def _check_used(builder: Builder, recipes: Mapping[AnyRecipe, str]) -> None:
    used = {name for recipe in recipes for name, _ in recipe.param_names()}
    used |= builder.writer.params_read
    for name, (hint, _, place) in builder.params.items():
        if hint is None and name not in used:
            raise ExpressionError(
                "no expression uses this parameter, so nothing would follow from a change of it; "
                "remove it",
                place=place,
            )


def _params_class(builder: Builder, whole: set[str]) -> type:
    fields, defaults = [], []
    for field, (hint, value, place) in builder.params.items():
        kind = hint or (int if field in whole else float)
        if hint is None and kind is int and not float(value).is_integer():
            raise ExpressionError(
                f"expected a whole number, as an indicator takes it; found {value!r}", place=place
            )
        fields.append((field, kind))
        defaults.append(value if hint else kind(value))
    return class_of(f"Params_{digest_of(*fields)}", fields, defaults)


def _constants(builder: Builder, params: type) -> tuple[type, Any]:
    """Return the constants class and ``prepare``; without kernels the Params themselves."""
    if not builder.preparing:
        kept = [name for name, _, _ in builder.constants]
        if kept == list(getattr(params, "_fields", ())):
            return params, _same
    hints = getattr(params, "__annotations__", {})
    fields = [(n, hints[n] if hint is None else hint) for n, hint, _ in builder.constants]
    made = class_of(f"Constants_{digest_of(*fields)}", fields)
    values = ", ".join(text for _, _, text in builder.constants)
    lines = [*builder.preparing, f"return Constants({values})"]
    return made, function_of("prepare", ["p"], lines, {**builder.prepare_names, "Constants": made})


def _same(p: Any) -> Any:
    return p


def _features(recipes: Mapping[AnyRecipe, str]) -> Any:
    def features(p: Any) -> dict[str, Output]:
        values = p._asdict()
        return {name: recipe.build(values) for recipe, name in recipes.items()}

    return features


def _can_be(features: Any) -> Any:
    def holds(p: Any) -> bool:
        try:
            features(p)
        except KernelError:
            return False
        return True

    return holds


def described_recipe(recipe: AnyRecipe) -> str:
    """Return a feature as text that says all that it is made of."""
    if isinstance(recipe, Ready):
        return recipe.output.label
    if isinstance(recipe, Read):
        return f"{recipe.kernel.reference}:{recipe.prefix}{recipe.name}"
    params = ", ".join(f"{name}={_described(made)}" for name, made in recipe.params)
    sources = ", ".join(s if isinstance(s, str) else described_recipe(s) for s in recipe.sources)
    return f"{recipe.kernel.reference}({params}; {sources}).{recipe.output}"


def _described(made: Node | bool) -> str:
    if isinstance(made, bool):
        return str(made)
    if made.op == "number":
        return number_text(made.value)
    if made.op == "param":
        return str(made.value)
    return f"{made.op}({', '.join(map(_described, made.parts))})"


__all__ = ["strategy_of"]
