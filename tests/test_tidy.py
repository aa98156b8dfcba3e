"""The rules of the code base, run instead of written down: layers, bans, sizes, docstrings."""

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
KERNELS, ENGINE = ROOT / "kernels" / "admf_kernels", ROOT / "admf_fast"
LIBRARY = sorted([*KERNELS.rglob("*.py"), *ENGINE.rglob("*.py")])
EVERY = sorted(
    [
        *LIBRARY,
        *(p for d in ("tests", "bench", "data", "examples") for p in (ROOT / d).rglob("*.py")),
    ]
)
FUNCTION_LINES_MAX, FILE_LINES_MAX = 70, 400

# What each part of the engine may import of the others; every arrow points down this list.
MAY_IMPORT: dict[str, set[str]] = {
    "errors": set(),
    "atomic": {"errors"},
    "data.spec": {"errors"},
    "events": {"errors"},
    "config": {"errors", "data.spec"},
    "data": {"errors", "atomic", "data.spec"},
    "metrics": {"errors"},
    "calendars": {"errors", "data.spec"},
    "report": {"errors", "metrics"},
    "store": {"errors", "atomic", "events"},
    "runners": {"errors", "events", "calendars", "config", "data", "data.spec", "metrics"},
    "feeds": {"errors", "events", "calendars", "config", "data", "data.spec"},
    "parity": {"errors", "events", "config", "data", "runners", "feeds"},
    "containers": {"errors", "events", "config", "data", "runners", "feeds"},
}
GROUND = {"errors", "atomic", "events", "calendars", "config", "data", "data.spec", "metrics"}
MAY_IMPORT["panel_jobs"] = {*GROUND, "store", "runners", "feeds"}
MAY_IMPORT["jobs"] = {*MAY_IMPORT["panel_jobs"], "panel_jobs"}
MAY_IMPORT["explain"] = {*MAY_IMPORT["jobs"], "jobs", "report"}
MAY_IMPORT["sweep"] = {*GROUND, "store", "report", "runners"}
MAY_IMPORT["containers"] |= {"atomic", "calendars"}
MAY_IMPORT["checks"] = {*GROUND, "report", "runners", "feeds", "parity"}
MAY_IMPORT["journal"] = {"errors", "atomic"}
MAY_IMPORT["venues"] = {"errors", "config", "journal", "runners"}
MAY_IMPORT["monitor"] = {*GROUND, "store", "report"}
MAY_IMPORT["consistency"] = {
    *MAY_IMPORT["explain"], "explain", "parity", "containers", "journal",
}  # fmt: skip
MAY_IMPORT["rollout"] = {*GROUND, "store", "report", "journal", "monitor"}
MAY_IMPORT["live"] = {
    *MAY_IMPORT["consistency"], "consistency", "venues", "monitor", "rollout", "jobs",
}  # fmt: skip
MAY_IMPORT["simulator"] = {*MAY_IMPORT["live"], "live"}
MAY_IMPORT["cli"] = {*MAY_IMPORT}
# Siblings that lean on each other in one place, and why.
EXCEPTIONS = {
    # The process of one part of a restarted run replays bars.
    ("runners/part.py", "feeds"),
    # Jobs of several instruments, which `jobs` hands on, are written as its own are.
    ("panel_jobs.py", "jobs"),
}
KERNEL_DEPENDENCIES = {"numpy", "numba", "llvmlite", "admf_kernels"}


def _tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def _imports(path: Path) -> Iterator[tuple[int, str]]:
    """Yield line and module of every import, those inside functions included."""
    for node in ast.walk(_tree(path)):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno}: import by the full name"
            module = node.module or ""
            yield from ((node.lineno, f"{module}.{alias.name}") for alias in node.names)


def _part(module: str) -> str:
    """Return which part of the engine a module or path belongs to."""
    names = module.split(".")[1:]
    if names[:2] == ["data", "spec"]:
        return "data.spec"
    return names[0] if names and names[0] in MAY_IMPORT else ""


def _name(path: Path) -> str:
    inside = path.relative_to(ROOT / "kernels" if path.is_relative_to(KERNELS) else ROOT)
    return ".".join(inside.with_suffix("").parts)


def _ids(path: Path) -> str:
    return str(path.relative_to(ROOT))


def test_every_part_of_the_engine_has_its_place():
    parts = {p.relative_to(ENGINE).parts[0].removesuffix(".py") for p in ENGINE.rglob("*.py")}

    assert parts - {"__init__"} == {*MAY_IMPORT} - {"data.spec"}


@pytest.mark.parametrize("path", LIBRARY, ids=_ids)
def test_imports_point_one_way(path):
    ours = _part(_name(path))
    for line, module in _imports(path):
        if not module.startswith("admf_fast."):
            continue
        theirs = _part(module)
        assert path.is_relative_to(ENGINE), f"{path}:{line}: kernels import the engine"
        # The package itself holds the version and nothing else of its own.
        same = theirs in ("", ours) or not ours
        excused = (str(path.relative_to(ENGINE)), theirs) in EXCEPTIONS
        assert same or excused or theirs in MAY_IMPORT[ours], f"{path}:{line}: {ours} → {theirs}"


@pytest.mark.parametrize("path", sorted(KERNELS.rglob("*.py")), ids=_ids)
def test_kernels_depend_on_numpy_and_numba_only(path):
    for line, module in _imports(path):
        top = module.split(".")[0]
        known = top in KERNEL_DEPENDENCIES or top in sys.stdlib_module_names
        assert known, f"{path}:{line}: imports {top}"


# The core decides; clocks, chance, the environment and order-free sums stay at the edges.
CORE = [
    *(p for p in sorted(KERNELS.rglob("*.py")) if KERNELS / "compiler" not in p.parents),
    *sorted((ENGINE / "events").glob("*.py")),
    *sorted((ENGINE / "runners").glob("*.py")),
    *sorted((ENGINE / "metrics").glob("*.py")),
]
BANNED_MODULES = {"time", "random", "uuid", "secrets", "datetime", "socket", "asyncio"}
BANNED_CALLS = {
    "environ", "getenv", "now", "utcnow", "today", "perf_counter", "monotonic", "default_rng",
    "sum", "mean", "std", "var", "dot", "cumsum", "nansum", "average", "fsum", "hash",
}  # fmt: skip
# Random bars for tests, and sums of whole numbers.
CORE_EXCEPTIONS = {
    ("kernels/admf_kernels/testing.py", "default_rng"),
    ("kernels/admf_kernels/testing.py", "cumsum"),
    ("kernels/admf_kernels/codegen/run_state.py", "sum"),
    ("kernels/admf_kernels/feature_program.py", "sum"),
    ("admf_fast/runners/recorder.py", "cumsum"),
}


def _banned(path: Path) -> Iterator[tuple[int, str]]:
    for line, module in _imports(path):
        if module.split(".")[0] in BANNED_MODULES:
            yield line, module
    for node in ast.walk(_tree(path)):
        if isinstance(node, ast.Attribute) and node.attr in BANNED_CALLS - {"now"}:
            yield node.lineno, node.attr
        elif isinstance(node, ast.Call):  # the notes of a bar are called `now`
            name = node.func.id if isinstance(node.func, ast.Name) else ""
            name = "now" if getattr(node.func, "attr", "") == "now" else name
            if name in BANNED_CALLS:
                yield node.lineno, name
        elif isinstance(node, ast.For | ast.comprehension) and _is_set(node.iter):
            yield node.iter.lineno, "iteration over a set"


def _is_set(node: ast.expr) -> bool:
    called = node.func if isinstance(node, ast.Call) else None
    made = isinstance(called, ast.Name) and called.id in ("set", "frozenset")
    return made or isinstance(node, ast.Set | ast.SetComp)


@pytest.mark.parametrize("path", CORE, ids=_ids)
def test_the_core_knows_no_clock_chance_environment_or_unordered_sum(path):
    found = [
        f"{path}:{line}: {what}"
        for line, what in _banned(path)
        if (str(path.relative_to(ROOT)), what) not in CORE_EXCEPTIONS
    ]
    assert not found


@pytest.mark.parametrize("excused", sorted(CORE_EXCEPTIONS | EXCEPTIONS), ids=str)
def test_every_exception_is_needed(excused):
    path, what = excused
    if excused in EXCEPTIONS:
        imported = {_part(m) for _, m in _imports(ENGINE / path) if m.startswith("admf_fast.")}
        assert what in imported
    else:
        assert what in {found for _, found in _banned(ROOT / path)}


DANGEROUS = re.compile(
    r"\b(?:pickle|cPickle|dill|cloudpickle|joblib|marshal|shelve)\b"
    r"|\b(?:eval|exec)\(|yaml\.(?:load|unsafe_load|full_load)\(|allow_pickle|shell=True|os\.system"
)
# Both run source that we generated ourselves.
AUDITED = {
    "kernels/admf_kernels/compiler/build.py": 1,
    "kernels/admf_kernels/expressions/generate.py": 1,
}


@pytest.mark.parametrize("path", LIBRARY, ids=_ids)
def test_nothing_read_is_ever_executed(path):
    tree = _tree(path)
    for node in ast.walk(tree):  # docstrings may speak of it
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            node.value = ast.Constant("")
    found = DANGEROUS.findall(ast.unparse(tree))

    assert len(found) == AUDITED.get(str(path.relative_to(ROOT)), 0), found


def _functions(tree: ast.Module) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


@pytest.mark.parametrize("path", EVERY, ids=_ids)
def test_files_and_functions_can_be_read_at_once(path):
    lines = path.read_text(encoding="utf-8").count("\n")
    assert lines <= FILE_LINES_MAX, f"{path}: {lines} lines"
    for function in _functions(_tree(path)):
        length = (function.end_lineno or 0) - function.lineno + 1
        assert length <= FUNCTION_LINES_MAX, f"{path}:{function.lineno}: {length} lines"


@pytest.mark.parametrize("path", EVERY, ids=_ids)
def test_every_file_says_what_it_is(path):
    if path.read_text(encoding="utf-8").strip():
        assert ast.get_docstring(_tree(path)), f"{path}: starts without a docstring"


@pytest.mark.parametrize("path", LIBRARY, ids=_ids)
def test_everything_public_says_what_it_does(path):
    tree = _tree(path)
    classes = [n for n in tree.body if isinstance(n, ast.ClassDef) and n.name[0] != "_"]
    for node in (node for scope in (tree, *classes) for node in scope.body):
        public = isinstance(node, ast.ClassDef | ast.FunctionDef) and node.name[0] != "_"
        assert not public or ast.get_docstring(node), f"{path}:{node.lineno}: {node.name}"


@pytest.mark.parametrize("path", LIBRARY, ids=_ids)
def test_what_is_exported_is_sorted(path):
    for node in _tree(path).body:
        targets = node.targets if isinstance(node, ast.Assign) else []
        if any(isinstance(t, ast.Name) and t.id == "__all__" for t in targets):
            given = [ast.unparse(e) for e in node.value.elts if isinstance(e, ast.Constant)]
            # Constants, classes, functions: each sorted.
            order = [(not n[1:].isupper(), not n[1].isupper(), n) for n in given]
            assert order == sorted(order), f"{path}:{node.lineno}"


MACHINE = re.compile(r"(?<![\w.])/(?:home|Users|root|work|srv|mnt)/\w|[A-Z]:\\Users")


FOLDERS = ("kernels", "admf_fast", "tests", "bench", "data", "docs", "examples", ".ci")
SUFFIXES = {".md", ".py", ".toml", ".yaml", ".txt", ".json", ""}


def test_no_text_names_a_path_of_one_machine():
    files = [*ROOT.glob("*"), *(p for folder in FOLDERS for p in (ROOT / folder).rglob("*"))]
    texts = [p for p in files if p.is_file() and p.suffix in SUFFIXES]
    assert len(texts) > 200
    ours = [p for p in texts if p != Path(__file__) and p.name != ".git"]
    found = [p for p in ours if MACHINE.search(p.read_text("utf-8", "replace"))]

    assert not found
