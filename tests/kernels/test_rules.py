"""The source rules: each forbidden construct is refused with file, line and reason."""

import importlib.util
import re
import sys
import textwrap

import pytest

from admf_kernels import compute, indicator
from admf_kernels.compiler import closure, intrinsics, rules
from admf_kernels.errors import RuleError

# The third line of each step, and a piece of the reason.
BROKEN = {
    "power": ("return x**2.0", "write the product out"),
    "power in place": ("x **= 2.0", "write the product out"),
    "raise": ("raise ValueError(x)", "a kernel never raises"),
    "assert": ("assert x > 0.0", "a kernel never raises"),
    "try": ("try:\n        pass\n    finally:\n        pass", "never catches"),
    "with": ("with x:\n        pass", "opens nothing"),
    "import": ("import math as m", "imports nothing"),
    "import from": ("from math import exp", "imports nothing"),
    "global": ("global SEEN", "keeps its state in the arguments"),
    "list": ("y = [x]", "allocates nothing"),
    "dict": ("y = {1: x}", "allocates nothing"),
    "set": ("y = {x}", "allocates nothing"),
    "list comprehension": ("y = [k for k in range(3)]", "write the loop"),
    "generator": ("y = tuple(k for k in range(3))", "write the loop"),
    "lambda": ("y = lambda k: k", "name the function"),
    "text": ("y = f'{x}'", "makes no text"),
    "print": ("print(x)", "print is not for kernels"),
    "sum": ("y = sum((x, x))", "sum is not for kernels"),
    "min": ("y = min(x, 1.0)", "write 'a if a < b else b'"),
    "max": ("y = max(x, 1.0)", "write 'a if a < b else b'"),
    "round": ("y = round(x)", "round is not for kernels"),
    "math.exp": ("y = math.exp(x)", "use admf_kernels.numeric"),
    "math.log": ("y = math.log(x)", "use admf_kernels.numeric"),
    "math.pow": ("y = math.pow(x, 2.0)", "use admf_kernels.numeric"),
    "numpy": ("y = np.sqrt(x)", "np.sqrt is not for kernels"),
    "clock": ("y = time.time()", "time.time is not for kernels"),
    "random": ("y = random.random()", "random.random is not for kernels"),
}


def module_of(tmp_path, monkeypatch, text, name="user_kernel"):
    """Write and import a module of the user's."""
    path = tmp_path / f"{name}.py"
    path.write_text(textwrap.dedent(text))
    spec = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, name, module)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("what", BROKEN)
def test_forbidden(tmp_path, monkeypatch, what):
    line, reason = BROKEN[what]
    text = f"import math\ndef step(x):\n    {line}\n    return x\n"
    module = module_of(tmp_path, monkeypatch, text)

    with pytest.raises(RuleError, match=rf"user_kernel\.py:3: step: .*{re.escape(reason)}"):
        rules.check(module.step)


def test_allowed(tmp_path, monkeypatch):
    text = """
        import math

        def step(s, x):
            total = 0.0
            for k in range(3):
                total += math.sqrt(abs(x)) * k if x > 0.0 else -math.floor(x)
            return (total, x), x
        """

    rules.check(module_of(tmp_path, monkeypatch, text).step)


def test_the_line_is_right_below_a_decorator(tmp_path, monkeypatch):
    text = """\
        from admf_kernels import indicator

        @indicator(
            inputs={"x": "close"},
            warmup_bars=1,
        )
        def mine(x):
            \"\"\"Double.\"\"\"
            return x**2.0
        """
    module = module_of(tmp_path, monkeypatch, text)

    with pytest.raises(RuleError, match=r"user_kernel\.py:9: mine: "):
        compute(module.mine(), [1.0])


def test_a_helper_is_held_to_the_rules_too(tmp_path, monkeypatch):
    text = """\
        from admf_kernels import indicator

        def helper(x):
            return x**3.0

        @indicator(inputs={"x": "close"}, warmup_bars=1)
        def mine(x):
            return helper(x)
        """
    module = module_of(tmp_path, monkeypatch, text)

    with pytest.raises(RuleError, match=r"user_kernel\.py:4: helper: "):
        compute(module.mine(), [1.0])


@pytest.mark.parametrize("value", ["[1.0]", "{'a': 1.0}", "'text'", "object()"])
def test_a_global_that_can_change_is_refused(tmp_path, monkeypatch, value):
    text = f"""\
        TABLE = {value}

        def step(x):
            return x if TABLE else 0.0
        """
    module = module_of(tmp_path, monkeypatch, text)

    with pytest.raises(RuleError, match="reads the global 'TABLE'"):
        closure.digest([module.step])


@pytest.mark.parametrize("flags", [True, {"contract"}])
def test_contraction_is_refused(monkeypatch, flags):
    """Code in which the compiler may fuse or rearrange is never loaded."""
    monkeypatch.setitem(intrinsics.OPTIONS, "fastmath", flags)

    @indicator(inputs={"x": "close", "y": "open"}, warmup_bars=1)
    def loose(x: float, y: float) -> float:
        return x * 0.1 + y

    with pytest.raises(RuleError, match="forbid fastmath"):
        compute(loose(), [1.0], [2.0])


ALIASES = {
    "from math import exp": "exp(x)",
    "import math as m": "m.sin(x)",
    "from math import pow as power": "power(x, 2.0)",
    "import numpy as n": "n.sqrt(x)",
    "from numpy import log1p": "log1p(x)",
    "import time as t": "t.time()",
}


@pytest.mark.parametrize("line", ALIASES)
def test_another_name_is_no_way_around(tmp_path, monkeypatch, line):
    text = f"""
        {line}

        def step(x):
            return {ALIASES[line]}
        """
    with pytest.raises(RuleError, match=r"is not for kernels|use admf_kernels\.numeric"):
        rules.check(module_of(tmp_path, monkeypatch, text).step)


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("while x > 0.0:\n                x = x - 1.0\n            return x", "must end"),
        ("return at(x, -1)", "looks ahead"),
    ],
)
def test_no_endless_loop_and_no_look_ahead(tmp_path, monkeypatch, body, reason):
    text = f"""
        from admf_kernels import at

        def step(x):
            {body}
        """
    with pytest.raises(RuleError, match=reason):
        rules.check(module_of(tmp_path, monkeypatch, text).step)
