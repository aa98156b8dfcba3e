"""What the forms of one strategy are gathered in: lines, parameters, constants, kernels."""

import keyword
from collections.abc import Mapping
from typing import Any

from admf_kernels.contract import BAR_COLUMNS, CLOCK_COLUMNS, Strategy
from admf_kernels.errors import KernelError
from admf_kernels.expressions.errors import ExpressionError, Place
from admf_kernels.expressions.forms import Texts
from admf_kernels.expressions.graph import Node, Read, Values, all_of
from admf_kernels.expressions.names import Scope
from admf_kernels.expressions.resolve import condition_of, number_of
from admf_kernels.expressions.writer import Writer
from admf_kernels.layout import fields_of
from admf_kernels.parameters import Rule

COLUMNS = (*BAR_COLUMNS, *CLOCK_COLUMNS)


class Builder:
    """Everything that the forms of one strategy come to.

    Attributes
    ----------
    params : dict of str to (annotation or None, value, place)
        The fields of the strategy's Params; None until it is known how they are used.
    constants : list of (name, annotation or None, text)
        The constants, and how ``prepare`` makes each.
    preparing : list of str
        The lines of ``prepare`` before that.
    """

    def __init__(self) -> None:
        self.writer = Writer()
        self.params: dict[str, tuple[Any, Any, Place]] = {}
        self.constants: list[tuple[str, Any, str]] = []
        self.preparing: list[str] = []
        self.prepare_names: dict[str, Any] = {}
        self.rules: list[Rule] = []
        self.kernels = 0

    def declare(self, scope: Scope, own: Mapping[str, float], place: Place) -> None:
        """Enter the numbers that a form declares, each as a parameter and a constant."""
        for name in sorted(own):
            field = scope.params[name].field
            self._enter(field, None, own[name], (*place, "params", name))
            self.writer.constants[field] = len(self.constants)
            self.constants.append((field, None, f"p[{len(self.params) - 1}]"))

    def _enter(self, field: str, hint: Any, value: Any, place: Place) -> None:
        if field in self.params:
            raise ExpressionError(f"two parameters come to the name {field!r}", place=place)
        if keyword.iskeyword(field) or field.startswith("_"):
            raise ExpressionError(f"{field!r} cannot be the name of a parameter", place=place)
        self.params[field] = (hint, value, place)

    def conditions(self, texts: Texts, scope: Scope, place: Place) -> list[Node]:
        """Return the graphs of conditions that must all hold."""
        if isinstance(texts, str):
            return [self._read(texts, scope, place, condition_of)]
        return [self._read(t, scope, (*place, k), condition_of) for k, t in enumerate(texts)]

    def condition(self, texts: Texts, scope: Scope, place: Place) -> str:
        """Return the name that holds whether all of these conditions hold."""
        return self.writer.value(all_of(self.conditions(texts, scope, place)))

    def number(self, text: str, scope: Scope, place: Place) -> str:
        """Return the name that holds a number."""
        return self.writer.value(self._read(text, scope, place, number_of))

    def _read(self, text: str, scope: Scope, place: Place, read: Any) -> Node:
        try:
            return read(text, scope)  # type: ignore[no-any-return]
        except ExpressionError as error:
            raise error if error.place else error.at(place) from None

    def kernel(
        self, kernel: Strategy, params: Mapping[str, float], prefix: str, place: Place
    ) -> str:
        """Write the call of a strategy kernel and return the name of its signal."""
        try:
            checked = kernel.checked(**params)
        except KernelError as error:
            raise ExpressionError(str(error), place=(*place, "params")) from error
        key = f"k{self.kernels}"
        self.kernels += 1
        first = len(self.params)
        for field, value in zip(fields_of(kernel.params), checked, strict=True):
            self._enter(prefix + field.name, field.hint, value, (*place, "params"))
        self._lift_rules(kernel, prefix)
        values = {
            name: self._argument(kernel, name, key, first, prefix) for name in kernel.arguments
        }
        writer = self.writer
        writer.names[f"step_{key}"] = kernel.step
        call = f"step_{key}({', '.join(values.values())})"
        if not kernel.stateful:
            return writer.assign(f"float({call})")
        writer.lines.append(f"moved_{key}, wanted_{key} = {call}")
        for k, (held, kind) in enumerate(writer.kernel_state[key].items()):
            writer.after[held] = writer.assign(f"{kind}(moved_{key}[{k}])")
        return writer.assign(f"float(wanted_{key})")

    def _lift_rules(self, kernel: Strategy, prefix: str) -> None:
        params = params_of(kernel, prefix)
        for rule in kernel.rules:
            text = f"{prefix.rstrip('_')}: {rule.text}" if prefix else rule.text
            self.rules.append(
                Rule(text, lambda p, rule=rule: rule.holds(params(p._asdict())))  # type: ignore[misc]
            )

    def _argument(self, kernel: Strategy, name: str, key: str, first: int, prefix: str) -> str:
        """Return what a kernel's argument is bound to."""
        writer = self.writer
        if name == "c":
            return self._constants(kernel, key, first)
        if name == "s":
            fields = {writer.field("held", f.kind): f.kind for f in fields_of(kernel.state)}
            writer.kernel_state[key] = fields
            writer.names[f"State_{key}"] = kernel.state
            return f"State_{key}({', '.join(f's.{held}' for held in fields)})"
        if name == "position":
            return writer.position()
        if name in COLUMNS:
            return writer.column(name)
        return writer.feature(Read(kernel, params_of(kernel, prefix), prefix, name))

    def _constants(self, kernel: Strategy, key: str, first: int) -> str:
        """Return the kernel's constants, rebuilt from those of the whole strategy."""
        given = ", ".join(f"p[{first + k}]" for k in range(len(fields_of(kernel.params))))
        self.preparing.append(f"{key} = prepare_{key}(Params_{key}({given}))")
        self.prepare_names |= {f"prepare_{key}": kernel.prepare, f"Params_{key}": kernel.params}
        self.writer.names[f"Constants_{key}"] = kernel.constants
        self.writer.reads_constants = True
        at = len(self.constants)
        fields = fields_of(kernel.constants)
        for k, field in enumerate(fields):
            self.constants.append((f"{key}_{field.name}", field.hint, f"{key}[{k}]"))
        return f"Constants_{key}({', '.join(f'c[{at + k}]' for k in range(len(fields)))})"


def params_of(kernel: Strategy, prefix: str) -> Any:
    """Return the function that picks a kernel's Params out of those of the whole strategy."""
    names = [field.name for field in fields_of(kernel.params)]

    def picked(values: Values) -> Any:
        return kernel.params(*(values[prefix + name] for name in names))

    return picked
