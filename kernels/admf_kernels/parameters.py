"""Parameters of a kernel: their ranges, and the checks before anything compiles."""

import difflib
import functools
import math
import typing
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from admf_kernels.errors import ParameterError
from admf_kernels.layout import Field, fields_of

KINDS: dict[str, tuple[type, ...]] = {"bool": (bool,), "int": (int,), "float": (int, float)}


class Between(NamedTuple):
    """The closed range of a parameter: ``Annotated[int, Between(1, 10_000)]``."""

    low: float
    high: float


class Rule(NamedTuple):
    """A relation between parameters: its text, and the function that decides it."""

    text: str
    holds: Callable[[Any], bool]


def range_of(field: Field) -> Between | None:
    """Return the declared range of a parameter, or None."""
    metadata = typing.get_args(field.hint)[1:]
    return next((m for m in metadata if isinstance(m, Between)), None)


def defaults_of(params: type) -> dict[str, Any]:
    """Return the default of every parameter that has one."""
    return dict(getattr(params, "_field_defaults", {}))


def checked(
    name: str, params: type, rules: Sequence[Rule], args: Sequence[Any], kwargs: Mapping[str, Any]
) -> Any:
    """Return an instance of `params`; raises ParameterError on anything out of order."""
    fields, defaults = _known_of(params)
    if len(args) > len(fields):
        raise ParameterError(
            f"{name}: expected at most {len(fields)} parameters, found {len(args)}"
        )
    given = dict(zip(fields, args, strict=False))
    for key, value in kwargs.items():
        _known(name, key, fields, given)
        given[key] = value
    missing = [n for n in fields if n not in given and n not in defaults]
    if missing:
        raise ParameterError(f"{name}: parameter {', '.join(missing)} is missing")
    values = {**defaults, **given}
    made = params(*[_value(name, *field, values[n]) for n, field in fields.items()])
    for rule in rules:
        if not rule.holds(made):
            shown = ", ".join(f"{n} = {v}" for n, v in zip(fields, made, strict=True))
            raise ParameterError(f"{name}: expected {rule.text}, found {shown}")
    return made


@functools.cache
def _known_of(
    params: type,
) -> tuple[dict[str, tuple[Field, Between | None]], dict[str, Any]]:
    """Return the fields of `params` by name, with their ranges, and the defaults."""
    return {f.name: (f, range_of(f)) for f in fields_of(params)}, defaults_of(params)


def _known(name: str, key: str, fields: Mapping[str, Any], given: Mapping[str, Any]) -> None:
    if key in given:
        raise ParameterError(f"{name}: parameter {key!r} is given twice")
    if key not in fields:
        near = difflib.get_close_matches(key, fields, n=1)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        raise ParameterError(
            f"{name}: no parameter {key!r}{hint} (parameters: {', '.join(fields) or 'none'})"
        )


def _value(name: str, field: Field, limits: Between | None, value: Any) -> Any:
    """Return `value` as the field's kind, inside its range."""
    kind = field.kind
    fits = isinstance(value, KINDS[kind]) and (kind == "bool" or not isinstance(value, bool))
    if not fits or (kind == "float" and not math.isfinite(value)):
        raise ParameterError(f"{name}: {field.name} must be a finite {kind}, found {value!r}")
    if limits and not limits.low <= value <= limits.high:
        raise ParameterError(
            f"{name}: {field.name} must be in [{limits.low}, {limits.high}], found {value!r}"
        )
    # Adding 0.0 makes -0.0 plain: equal parameters must mean equal words.
    return float(value) + 0.0 if kind == "float" else value
