"""Driver source to object code with Numba: the only place that imports it."""

import linecache
import re
import types as python_types
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import llvmlite.binding as llvm

from admf_kernels.compiler import closure, rules, toolchain
from admf_kernels.compiler.folding import NO_FACTS, Facts, Folded
from admf_kernels.errors import KernelError, RuleError

# What may make the compiler rearrange floating point; none may be in a kernel's code.
LOOSE_FLAGS = re.compile(r"\b(?:fast|contract|reassoc|arcp|afn|nsz|nnan|ninf)\b (?:double|<)")
DECLARED = re.compile(r"^declare [^@]*@\"?([^\"(]+)", re.MULTILINE)
REMAINDER = re.compile(r"= frem ")
ERROR_LINE = re.compile(r"\w*Error: |Unknown attribute|No implementation of function")
# Exact everywhere: what IEEE-754 rounds correctly, whole numbers, memory, hints.
HARMLESS = re.compile(
    r"llvm\.(fma|sqrt|floor|ceil|trunc|fabs|copysign|abs|[su](min|max)|[su](add|sub|mul)\."
    r"with\.overflow|ct(lz|tz|pop)|bswap|mem(set|cpy|move)|lifetime|assume|expect|dbg"
    r"|experimental\.noalias|vector\.(reduce\.(add|mul|and|or|xor|[su](min|max))|insert|extract)"
    r"|masked|smul|umul|fshl|fshr|usub|ssub|is\.fpclass|annotation)\b"
    r"|(memset|memcpy|memmove|floor|ceil|trunc|fabs|sqrt)$"
)

PART = "pass_"  # with which the names of such parts of a driver begin

PART_OPTIONS = {"error_model": "numpy", "no_cpython_wrapper": True, "no_cfunc_wrapper": True}

_registered: set[python_types.FunctionType] = set()


def to_object(
    name: str, source: str, functions: Sequence[Callable[..., Any]], names: Mapping[str, Any],
    facts: Facts = NO_FACTS,
) -> tuple[str, bytes]:  # fmt: skip
    """Compile a driver and return its symbol and object code.

    `functions` are the kernels it calls, compiled for what the `facts` say; `names` are the
    globals of its source. Raises RuleError when a kernel breaks a rule, KernelError when Numba
    cannot compile it.
    """
    from numba import config as numba_config
    from numba import njit, types
    from numba.core.errors import NumbaError

    if getattr(numba_config, "DISABLE_JIT", False):
        raise KernelError("NUMBA_DISABLE_JIT is set: nothing can be compiled; unset it")

    if facts:
        fold = Folded(facts)
        functions, names = [fold(f) for f in functions], {n: fold(v) for n, v in names.items()}
    _register(functions)
    signature = types.int64(types.CPointer(types.int64), types.int64, types.int64)
    entry = _execute(name, source, names)
    try:
        compiled = njit(
            signature, error_model="numpy", no_cpython_wrapper=True, no_cfunc_wrapper=True
        )(entry)
    except NumbaError as error:
        raise KernelError(f"{name} cannot be compiled: {_short(str(error))}") from error
    overload = compiled.overloads[compiled.signatures[0]]
    text = overload.library.get_llvm_str()
    _check_code(name, text)
    return overload.fndesc.llvm_func_name, toolchain.target_machine().emit_object(
        llvm.parse_assembly(text)
    )


def _short(message: str) -> str:
    """Return what a Numba error says and where, without its listing of candidates."""
    lines = [line.strip(" -") for line in message.splitlines() if line.strip()]
    errors = [line for line in lines if ERROR_LINE.match(line)]
    places = [line for line in lines if line.startswith("File ") and "<driver" not in line]
    return " ".join([*(errors[-1:] or lines[1:2]), *places[-1:]]).rstrip(":")


def _register(functions: Sequence[Callable[..., Any]]) -> None:
    """Make every reachable Python function callable from compiled code, rules checked."""
    from numba.extending import register_jitable

    from admf_kernels.compiler import intrinsics

    for function in closure.reachable(functions):
        if function in intrinsics.OVERLOADED or function in _registered:
            continue
        if not function.__module__.startswith("admf_kernels.numeric"):
            rules.check(function)
        register_jitable(**intrinsics.OPTIONS)(function)
        _registered.add(function)


def _execute(name: str, source: str, names: Mapping[str, Any]) -> python_types.FunctionType:
    """Return the driver function that `source` defines, with its lines kept for tracebacks."""
    filename = f"<driver {name}>"
    linecache.cache[filename] = (len(source), None, source.splitlines(True), filename)
    from numba import njit

    from admf_kernels.compiler import intrinsics

    own = {"__name__": f"admf_kernels.generated.{name}"}
    module: dict[str, Any] = {**names, **intrinsics.DIRECT, **own}
    exec(compile(source, filename, "exec"), module)  # noqa: S102  our own generated text
    for part, function in list(module.items()):
        if part.startswith(PART):
            module[part] = njit(**PART_OPTIONS)(function)
    function = module["drive"]
    assert isinstance(function, python_types.FunctionType)
    return function


def _check_code(name: str, text: str) -> None:
    """Refuse code that could round differently elsewhere: loose flags, calls into libm."""
    loose = LOOSE_FLAGS.search(text)
    if loose:
        raise RuleError(f"{name}: the compiler was allowed {loose.group(0)!r}; forbid fastmath")
    foreign = [d for d in DECLARED.findall(text) if not HARMLESS.match(d)]
    if REMAINDER.search(text):
        foreign.append("fmod (% of floats)")
    if foreign:
        raise RuleError(
            f"{name}: calls {', '.join(foreign)}, whose result depends on the machine; "
            "use admf_kernels.numeric"
        )
