"""The rules a kernel's source must keep, checked before it is compiled.

Each rule is a condition of bitwise equality (docs/determinism.md).
"""

import ast
import inspect
import textwrap
import types
from collections.abc import Iterator

from admf_kernels.compiler import closure
from admf_kernels.errors import RuleError

FORBIDDEN: dict[type[ast.AST], str] = {
    ast.Pow: "'**' rounds differently interpreted and compiled; write the product out",
    ast.Raise: "a kernel never raises; return a value the caller can test",
    ast.Try: "a kernel never catches",
    ast.While: "a kernel must end; use 'for ... in range(...)'",
    ast.With: "a kernel opens nothing",
    ast.Import: "a kernel imports nothing; import at the top of the module",
    ast.ImportFrom: "a kernel imports nothing; import at the top of the module",
    ast.Global: "a kernel keeps its state in the arguments it is handed",
    ast.Nonlocal: "a kernel keeps its state in the arguments it is handed",
    ast.List: "a kernel allocates nothing; use scalars",
    ast.Dict: "a kernel allocates nothing; use scalars",
    ast.Set: "a kernel allocates nothing; use scalars",
    ast.ListComp: "a kernel allocates nothing; write the loop",
    ast.SetComp: "a kernel allocates nothing; write the loop",
    ast.DictComp: "a kernel allocates nothing; write the loop",
    ast.GeneratorExp: "a kernel allocates nothing; write the loop",
    ast.FunctionDef: "define helpers at the top of the module, so that their edits are seen",
    ast.ClassDef: "define classes at the top of the module",
    ast.Lambda: "name the function so that it can be compiled and its edits seen",
    ast.Yield: "a kernel returns once",
    ast.Await: "a kernel returns once",
    ast.Assert: "a kernel never raises; return a value the caller can test",
    ast.JoinedStr: "a kernel makes no text",
}
MATH_ALLOWED = {"sqrt", "floor", "ceil", "trunc", "fabs", "nan", "inf", "isnan", "isfinite"}
MODULES_FORBIDDEN = {"numpy", "random", "time", "os", "datetime", "sys", "builtins"}
CALLS_FORBIDDEN = {
    "print", "open", "sum", "sorted", "eval", "exec", "getattr", "setattr", "hash", "id", "pow",
    "input", "globals", "locals", "min", "max", "round",
}  # fmt: skip


def check(function: types.FunctionType) -> None:
    """Raise RuleError for the first rule that `function` breaks, naming file and line."""
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
    except (OSError, TypeError):
        tree = ast.Module([], [])  # made at run time: its names and compiled form are checked
    first = function.__code__.co_firstlineno
    for node, why in _broken(tree):
        line = first + getattr(node, "lineno", 1) - 1
        raise RuleError(f"{inspect.getsourcefile(function)}:{line}: {function.__name__}: {why}")
    for name, value in closure.used(function):
        reason = _bad_value(name, value)
        if reason:
            where = f"{function.__code__.co_filename}:{first}"
            raise RuleError(f"{where}: {function.__name__}: {reason}")


def _broken(tree: ast.Module) -> Iterator[tuple[ast.AST, str]]:
    body = [n for top in tree.body for n in getattr(top, "body", [])]
    for statement in body:  # decorators and annotations are not part of the kernel
        for node in ast.walk(statement):
            why = FORBIDDEN.get(type(node)) or _bad_call(node)
            operator = getattr(node, "op", None)
            if why is None and isinstance(operator, ast.Pow):
                why = FORBIDDEN[ast.Pow]
            if why:
                yield node, why


def _bad_value(name: str, value: object) -> str | None:
    """Return why a global must not be used, whatever name it goes by."""
    if isinstance(value, types.ModuleType):
        foreign = value.__name__.partition(".")[0] in MODULES_FORBIDDEN
        return f"{name}: the module {value.__name__} is not for kernels" if foreign else None
    if isinstance(value, types.BuiltinFunctionType):
        owner = value.__module__
        if owner == "math" and value.__name__ not in MATH_ALLOWED:
            return f"{name}: its result depends on the machine; use admf_kernels.numeric"
        if owner not in ("math", "builtins"):
            return f"{name}: {owner}.{value.__name__} is not for kernels"
    if type(value).__module__.partition(".")[0] == "numpy":
        return f"{name}: NumPy is not for kernels"
    return None


def _bad_call(node: ast.AST) -> str | None:
    called = node.func if isinstance(node, ast.Call) else None
    if isinstance(called, ast.Name) and called.id in CALLS_FORBIDDEN:
        hint = "; write 'a if a < b else b' or select(...)" if called.id in ("min", "max") else ""
        return f"{called.id} is not for kernels{hint}"
    if isinstance(called, ast.Name) and called.id == "at" and _negative(node):
        return "at(window, lag) with a negative lag looks ahead"
    if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
        if node.value.id == "math" and node.attr not in MATH_ALLOWED:
            return f"math.{node.attr} depends on the machine; use admf_kernels.numeric"
        if node.value.id in ("np", *MODULES_FORBIDDEN):
            return f"{node.value.id}.{node.attr} is not for kernels"
    return None


def _negative(call: ast.AST) -> bool:
    """Whether the last argument of a call is a negative literal."""
    arguments = getattr(call, "args", [])
    last = arguments[-1] if arguments else None
    return isinstance(last, ast.UnaryOp) and isinstance(last.op, ast.USub)
