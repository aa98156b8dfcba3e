"""From graphs to the lines of a step: one assignment an operation, equal ones written once."""

from collections.abc import Sequence
from typing import Any

from admf_kernels.expressions.graph import AnyRecipe, Node

INFIX = frozenset(("+", "-", "*", "/", "<", "<=", ">", ">=", "==", "!="))
FORMS = {
    "negative": "-{}", "abs": "abs({})", "/": "divide({}, {})",
    "min": "smaller({}, {})", "max": "larger({}, {})",
    "not": "not {}",
}  # fmt: skip


class Writer:
    """The lines of one step, and everything they need.

    Attributes
    ----------
    lines : list of str
    columns : dict of str
        Bar and clock columns read, each the argument's name; in order of use.
    features : dict of recipe to str
        Features read, by the name of their argument.
    state : dict of str to str
        Fields of the state with their kinds.
    after : dict of str to str
        The name that holds the new value of each field of the state.
    names : dict of str
        Globals that the lines use besides the helpers.
    checked : list of str
        Signals that must be in [-1, 1], whatever is made of them.
    """

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.columns: dict[str, None] = {}
        self.features: dict[AnyRecipe, str] = {}
        self.state: dict[str, str] = {}
        self.after: dict[str, str] = {}
        self.names: dict[str, Any] = {}
        self.checked: list[str] = []
        self.kernel_state: dict[str, dict[str, str]] = {}  # fields of each kernel's own state
        self.constants: dict[str, int] = {}  # where each parameter is among the constants
        self.params_read: set[str] = set()
        self.reads_position = False
        self.reads_constants = False
        self._written: dict[Node, str] = {}

    def assign(self, text: str, stem: str = "t") -> str:
        """Write an assignment and return its name."""
        name = f"{stem}{len(self.lines)}"
        self.lines.append(f"{name} = {text}")
        return name

    def field(self, stem: str, kind: str) -> str:
        """Return the name of a new field of the state."""
        name = f"{stem}{len(self.state)}"
        self.state[name] = kind
        return name

    def column(self, name: str) -> str:
        """Return how a column of the bar is read."""
        self.columns[name] = None
        return name

    def feature(self, recipe: AnyRecipe) -> str:
        """Return the argument that a feature is."""
        return self.features.setdefault(recipe, f"f{len(self.features)}")

    def position(self) -> str:
        """Return how the position is read."""
        self.reads_position = True
        return "position"

    def value(self, node: Node) -> str:
        """Return the name or literal that holds a node's value; writes what it takes."""
        if node not in self._written:
            self._written[node] = self._value(node)
        return self._written[node]

    def _value(self, node: Node) -> str:
        match node.op:
            case "number":
                return repr(node.value)
            case "truth":
                return "(0.0 == 0.0)" if node.value else "(0.0 != 0.0)"
            case "column":
                return self.column(node.value)
            case "feature":
                return self.feature(node.value)
            case "position":
                return self.position()
            case "param":
                self.reads_constants = True
                self.params_read.add(node.value)
                return f"float(c[{self.constants[node.value]}])"
            case "since":
                return self._since(self.value(node.parts[0]))
            case _:
                return self.assign(self._operation(node.op, node))

    def _operation(self, op: str, node: Node) -> str:
        parts = [self.value(part) for part in node.parts]
        if op in FORMS:
            return FORMS[op].format(*parts)
        if op in INFIX:
            return f"{parts[0]} {op} {parts[1]}"
        if op in ("and", "or"):
            return {"and": " & ", "or": " | "}[op].join(parts)
        assert op == "choice"
        condition, yes, no = parts
        if node.kind == node.parts[0].kind:
            return f"({condition} & {yes}) | ((not {condition}) & {no})"
        return f"select({condition}, {yes}, {no})"

    def _since(self, condition: str) -> str:
        """Count bars since a condition held: 1 on that bar, 0 while it never did."""
        field = self.field("since", "int")
        older = f"select(s.{field} > 0, s.{field} + 1, 0)"
        count = self.assign(f"select({condition}, 1, {older})", "n")
        self.after[field] = count
        return self.assign(f"select({count} > 0, float({count} - 1), nan)")

    def both(self, *conditions: str) -> str:
        """Return the condition that all of these hold."""
        return conditions[0] if len(conditions) == 1 else self.assign(" & ".join(conditions))

    def arguments(self) -> list[str]:
        """Return the arguments of the step, in order."""
        own = [("c", self.reads_constants), ("s", bool(self.state))]
        names = [name for name, read in own if read]
        names += [*self.columns, *self.features.values()]
        return [*names, *(["position"] if self.reads_position else [])]

    def result(self, signal: str, state_class: str) -> list[str]:
        """Return the last lines: the new state, and the signal."""
        if not self.state:
            return [f"return {signal}"]
        values = ", ".join(self.after[field] for field in self.state)
        return [f"return {state_class}({values}), {signal}"]


def signs(values: Sequence[str], comparison: str) -> str:
    """Return the text that counts how many values are on one side of 0, as a float."""
    return " + ".join(f"select({value} {comparison} 0.0, 1.0, 0.0)" for value in values)
