"""Kernels without the parts that a run does not use.

The terms of a run say which parts it needs. Where some are known to be off, the branches that
ask for them are taken out of a kernel's source before Numba sees it: code that is not there
need not be compiled, nor run. What stays is the same arithmetic in the same order.
"""

import ast
import inspect
import math
import operator
import types
from collections.abc import Callable, Mapping
from typing import Any

from admf_kernels.compiler import closure

Number = bool | int | float
Facts = Mapping[type, Mapping[str, Number]]
"""Fields of NamedTuple classes that have one value wherever an argument is of the class."""
NO_FACTS: Facts = types.MappingProxyType({})

NUMBERS = (bool, int, float)
# What is not written in kernels, and not known here: names it sets, or calls to come.
OTHER = (
    ast.Match, ast.Delete, ast.Lambda, ast.While, ast.With, ast.Try, ast.Global,
    ast.Nonlocal, ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp, ast.ClassDef,
)  # fmt: skip
CASTS: dict[str, Callable[[Number], Number]] = {"bool": bool, "int": int, "float": float}
KNOWN = frozenset(("range", *CASTS))
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
        self._sources: dict[str, _Source] = {}
        self._made: dict[types.FunctionType, types.FunctionType] = {}
        self._answers: dict[types.FunctionType, Number] = {}

    def __call__(self, function: Any) -> Any:
        """Return the function as it is where the facts hold: itself, if they change nothing.

        A function whose source is not there, or not that of the code that is loaded, stays as it
        is: what was imported is what runs. So does one written in a way that is not known here.
        """
        if not isinstance(function, types.FunctionType) or function in self.kept:
            return function
        if function not in self._made:
            self._made[function] = function  # to itself, while what it calls is folded
            self._made[function] = self._fold(function)
        return self._made[function]

    def _fold(self, function: types.FunctionType) -> types.FunctionType:
        called = {n: v for n, v in closure.used(function) if isinstance(v, types.FunctionType)}
        others = {name: self(value) for name, value in called.items() if "." not in name}
        changed = any(others[name] is not called[name] for name in others)
        classes = {
            name: cls for name, cls in function.__annotations__.items()
            if isinstance(cls, type) and name != "return"
            and (cls in self.facts or _leads_to(cls, self.facts))
        }  # fmt: skip
        definition = self._definition(function) if changed or classes else None
        return self._rewritten(function, definition, classes, others) if definition else function

    def _definition(self, function: types.FunctionType) -> ast.FunctionDef | None:
        """Return the tree of a function's source, if it is that of its code and can be folded."""
        try:
            lines, _ = inspect.findsource(function)
        except OSError:
            return None
        file = function.__code__.co_filename
        if file not in self._sources:
            self._sources[file] = _Source("".join(lines), file)
        return self._sources[file].definition(function)

    def _rewritten(
        self, function: types.FunctionType, definition: ast.FunctionDef,
        classes: Mapping[str, type], others: Mapping[str, types.FunctionType],
    ) -> types.FunctionType:  # fmt: skip
        numbers = {
            name: value for name, value in closure.used(function)
            if type(value) in NUMBERS and "." not in name
        }  # fmt: skip
        answers = {n: self._answers[f] for n, f in others.items() if f in self._answers}
        own = {*function.__globals__, *function.__code__.co_varnames}
        fold = _Fold(self.facts, classes, numbers, answers, KNOWN - own)
        definition.body = fold.function(definition)
        _strip(definition)
        tree = ast.fix_missing_locations(ast.Module([definition], []))
        codes = _codes(compile(tree, function.__code__.co_filename, "exec"))
        code = next(c for c in codes if c.co_name == function.__name__)
        names = {**function.__globals__, **others}
        made = types.FunctionType(code, names, function.__name__, function.__defaults__)
        answer = _only_answer(definition)
        if answer is not None:
            self._answers[made] = answer
        return made


class _Source:
    """The functions of a source file, as trees and as code."""

    def __init__(self, text: str, file: str) -> None:
        try:
            tree, self._module = ast.parse(text), compile(text, file, "exec")
        except SyntaxError:  # it was changed since it was imported
            tree, self._module = ast.Module([], []), compile("", file, "exec")
        self._trees = {
            (node.name, node.lineno): node
            for node in tree.body
            if isinstance(node, ast.FunctionDef)
        }

    def definition(self, function: types.FunctionType) -> ast.FunctionDef | None:
        """Return the tree of a function whose code this is the source of; None for any other."""
        found = self._trees.get((function.__name__, function.__code__.co_firstlineno))
        if found is None or function.__closure__ or not _is_plain(found):
            return None
        loaded = function.__code__
        codes = [c for c in _codes(self._module) if c.co_firstlineno == loaded.co_firstlineno]
        same = any(closure.bytes_of(code) == closure.bytes_of(loaded) for code in codes)
        return found if same else None


def _is_plain(definition: ast.FunctionDef) -> bool:
    """Return whether a function is written as kernels are."""
    more = definition.args.kwonlyargs or definition.args.vararg or definition.args.kwarg
    return not more and not any(isinstance(node, OTHER) for node in ast.walk(definition))


def _codes(module: types.CodeType) -> list[types.CodeType]:
    """Return the code of the functions of a module."""
    return [c for c in module.co_consts if isinstance(c, types.CodeType)]


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
        numbers: Mapping[str, Number], answers: Mapping[str, Number], builtin: frozenset[str],
    ) -> None:  # fmt: skip
        self.facts, self.classes, self.answers, self.builtin = facts, classes, answers, builtin
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
        bounds = self._bounds(node.iter)
        known = [int(n) for n in map(_number, bounds) if n is not None]
        if known and len(known) == len(bounds) and not range(*known):
            return self.block(node.orelse)
        node.body = self.block(node.body) or [ast.Pass()]
        node.orelse = self.block(node.orelse)
        return node

    def _bounds(self, node: ast.expr) -> list[ast.expr]:
        """Return the arguments of ``range``; none for anything else."""
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Name)):
            return []
        return node.args if node.func.id == "range" and "range" in self.builtin else []

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
        cast = CASTS.get(name) if name in self.builtin else None
        value = _number(node.args[0]) if cast and len(node.args) == 1 else None
        if cast is None or value is None or not math.isfinite(value):
            return node
        return _constant(node, cast(value))

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
