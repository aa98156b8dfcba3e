"""Kernels without the parts that a run does not use.

The terms of a run say which parts it needs. Where some are known to be off, the branches that
ask for them are taken out of a kernel's source before Numba sees it: code that is not there
need not be compiled, nor run. What stays is the same arithmetic in the same order.
"""

import ast
import inspect
import operator
import textwrap
import types
from collections.abc import Callable, Mapping
from typing import Any

from admf_kernels.compiler import closure

Number = bool | int | float
Facts = Mapping[type, Mapping[str, Number]]
"""Fields of NamedTuple classes that have one value wherever an argument is of the class."""
NO_FACTS: Facts = types.MappingProxyType({})

NUMBERS = (bool, int, float)
CASTS: dict[str, Callable[[Number], Number]] = {"bool": bool, "int": int, "float": float}
BINARY: dict[type[ast.AST], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul,
    ast.BitAnd: operator.and_, ast.BitOr: operator.or_,
}  # fmt: skip
COMPARED: dict[type[ast.AST], Callable[[Any, Any], bool]] = {
    ast.Eq: operator.eq, ast.NotEq: operator.ne, ast.Lt: operator.lt, ast.LtE: operator.le,
    ast.Gt: operator.gt, ast.GtE: operator.ge,
}  # fmt: skip


class Folded:
    """Folds functions, each once, with all that they call."""

    def __init__(self, facts: Facts) -> None:
        from admf_kernels.compiler import intrinsics

        self.facts, self.kept = facts, intrinsics.OVERLOADED
        self._made: dict[types.FunctionType, types.FunctionType] = {}
        self._answers: dict[types.FunctionType, Number] = {}

    def __call__(self, function: Any) -> Any:
        """Return the function as it is where the facts hold: itself, if they change nothing."""
        if not isinstance(function, types.FunctionType) or function in self.kept:
            return function
        if function not in self._made:
            self._made[function] = self._fold(function)
        return self._made[function]

    def _fold(self, function: types.FunctionType) -> types.FunctionType:
        called = {n: v for n, v in closure.used(function) if isinstance(v, types.FunctionType)}
        others = {name: self(value) for name, value in called.items() if "." not in name}
        changed = any(others[name] is not called[name] for name in others)
        classes = {
            name: cls for name, cls in function.__annotations__.items()
            if cls in self.facts or _leads_to(cls, self.facts)
        }  # fmt: skip
        if not (changed or classes) or function.__closure__:
            return function
        return self._rewritten(function, classes, others)

    def _rewritten(
        self, function: types.FunctionType, classes: Mapping[str, type],
        others: Mapping[str, types.FunctionType],
    ) -> types.FunctionType:  # fmt: skip
        tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
        ast.increment_lineno(tree, function.__code__.co_firstlineno - 1)
        definition = tree.body[0]
        assert isinstance(definition, ast.FunctionDef)
        numbers = {
            name: value for name, value in closure.used(function)
            if type(value) in NUMBERS and "." not in name
        }  # fmt: skip
        answers = {n: self._answers[f] for n, f in others.items() if f in self._answers}
        definition.body = _Fold(self.facts, classes, numbers, answers).function(definition)
        _strip(definition)
        names = {**function.__globals__, **others}
        file = inspect.getsourcefile(function) or "<folded>"
        module = compile(ast.fix_missing_locations(tree), file, "exec")
        code = next(c for c in module.co_consts if isinstance(c, types.CodeType))
        made = types.FunctionType(code, names, function.__name__, function.__defaults__)
        answer = _only_answer(definition)
        if answer is not None:
            self._answers[made] = answer
        return made


def _leads_to(cls: Any, facts: Facts) -> bool:
    """Return whether a class has a field of a class that there are facts about."""
    return any(hint in facts for hint in getattr(cls, "__annotations__", {}).values())


def _strip(definition: ast.FunctionDef) -> None:
    """Take off what is not code: it may name what the compiled function has no need of."""
    definition.decorator_list = []
    definition.returns = None
    for argument in definition.args.args:
        argument.annotation = None


def _only_answer(definition: ast.FunctionDef) -> Number | None:
    """Return the number that a function always returns, if it does nothing else."""
    body = [s for s in definition.body if not _is_text(s)]
    if len(body) == 1 and isinstance(body[0], ast.Return) and body[0].value:
        return _number(body[0].value)
    return None


def _is_text(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)


class _Fold(ast.NodeTransformer):
    """Rewrites the body of one function."""

    def __init__(
        self, facts: Facts, classes: Mapping[str, type],
        numbers: Mapping[str, Number], answers: Mapping[str, Number],
    ) -> None:  # fmt: skip
        self.facts, self.classes, self.answers = facts, classes, answers
        self.numbers: dict[str, Number] = dict(numbers)
        self.written: dict[str, int] = {}

    def function(self, definition: ast.FunctionDef) -> list[ast.stmt]:
        """Return the body; a variable that is set once, to a known number, becomes it."""
        for node in ast.walk(definition):
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                self.written[node.id] = self.written.get(node.id, 0) + 1
        body: list[ast.stmt] = []
        for statement in definition.body:
            for made in self.block([statement]):
                if self._is_known(made):
                    continue
                body.append(made)
            if body and isinstance(body[-1], ast.Return):
                break
        return body or [ast.Pass()]

    def _is_known(self, statement: ast.stmt) -> bool:
        """Return whether a statement only names a number, which is taken down."""
        if not (isinstance(statement, ast.Assign) and isinstance(statement.targets[0], ast.Name)):
            return False
        name, value = statement.targets[0].id, _number(statement.value)
        if value is None or len(statement.targets) > 1 or self.written[name] != 1:
            return False
        self.numbers[name] = value
        return True

    def block(self, statements: list[ast.stmt]) -> list[ast.stmt]:
        """Return what the statements become."""
        found: list[ast.stmt] = []
        for statement in statements:
            made = self.visit(statement)
            found += made if isinstance(made, list) else [made] if made is not None else []
        return found

    def visit_If(self, node: ast.If) -> Any:
        """Keep the branch that is taken, where that is known."""
        node.test = self.visit(node.test)
        known = _number(node.test)
        if known is not None:
            return self.block(node.body if known else node.orelse)
        node.body = self.block(node.body) or [ast.Pass()]
        node.orelse = self.block(node.orelse)
        return node

    def visit_For(self, node: ast.For) -> Any:
        """Fold a loop's body; a loop over nothing is none."""
        node.iter = self.visit(node.iter)
        bounds = node.iter.args if isinstance(node.iter, ast.Call) else []
        known = [int(n) for n in map(_number, bounds) if n is not None]
        if known and len(known) == len(bounds) and not range(*known):
            return None
        node.body = self.block(node.body) or [ast.Pass()]
        return node

    def visit_Attribute(self, node: ast.Attribute) -> ast.expr:
        """Put in a field that is known."""
        cls = self._class_of(node.value)
        known = self.facts.get(cls, {}) if cls else {}
        if node.attr in known:
            return _constant(node, known[node.attr])
        self.generic_visit(node)
        return node

    def _class_of(self, node: ast.expr) -> type | None:
        if isinstance(node, ast.Name):
            return self.classes.get(node.id)
        if isinstance(node, ast.Attribute):
            return getattr(self._class_of(node.value), "__annotations__", {}).get(node.attr)
        return None

    def visit_Name(self, node: ast.Name) -> ast.expr:
        """Put in a number that is known."""
        if isinstance(node.ctx, ast.Load) and node.id in self.numbers:
            return _constant(node, self.numbers[node.id])
        return node

    def visit_Call(self, node: ast.Call) -> ast.expr:
        """Put in the answer of a function that always gives the same."""
        self.generic_visit(node)
        name = node.func.id if isinstance(node.func, ast.Name) else ""
        if name in self.answers:
            return _constant(node, self.answers[name])
        value = _number(node.args[0]) if name in CASTS and len(node.args) == 1 else None
        return node if value is None else _constant(node, CASTS[name](value))

    def visit_BoolOp(self, node: ast.BoolOp) -> ast.expr:
        """Leave out what decides nothing, and what comes after what decides."""
        self.generic_visit(node)
        neutral = isinstance(node.op, ast.And)
        values: list[ast.expr] = []
        for value in node.values:
            known = _number(value)
            # The last one is the answer where those before it are neutral too.
            if known is None or bool(known) != neutral or value is node.values[-1]:
                values.append(value)
            if known is not None and bool(known) != neutral:
                break
        node.values = values
        return node if len(values) > 1 else values[0]

    def visit_UnaryOp(self, node: ast.UnaryOp) -> ast.expr:
        """Negate what is known."""
        self.generic_visit(node)
        value = _number(node.operand)
        if value is None or not isinstance(node.op, ast.Not | ast.USub):
            return node
        return _constant(node, not value if isinstance(node.op, ast.Not) else -value)

    def visit_Compare(self, node: ast.Compare) -> ast.expr:
        """Compare two numbers that are known."""
        self.generic_visit(node)
        compare = COMPARED.get(type(node.ops[0]))
        left, right = _number(node.left), _number(node.comparators[0])
        if compare is None or left is None or right is None or len(node.ops) > 1:
            return node
        return _constant(node, compare(left, right))

    def visit_BinOp(self, node: ast.BinOp) -> ast.expr:
        """Compute with whole numbers that are known; floats are left to the compiler."""
        self.generic_visit(node)
        compute = BINARY.get(type(node.op))
        left, right = _number(node.left), _number(node.right)
        if compute is None or type(left) is not int or type(right) is not int:
            return node
        return _constant(node, compute(left, right))

    def visit_IfExp(self, node: ast.IfExp) -> ast.expr:
        """Keep the side that is taken, where that is known or makes no difference."""
        self.generic_visit(node)
        known = _number(node.test)
        if known is not None:
            return node.body if known else node.orelse
        return node.body if ast.dump(node.body) == ast.dump(node.orelse) else node


def _number(node: ast.expr) -> Number | None:
    """Return the number that an expression is, None for any other."""
    if isinstance(node, ast.Constant) and isinstance(node.value, NUMBERS):
        return node.value
    return None


def _constant(node: ast.expr, value: Number) -> ast.expr:
    return ast.copy_location(ast.Constant(value), node)
