"""The package needs NumPy and Numba, nothing else, and Numba only to compile."""

from tests.kernels.processes import output_of

ALLOWED = ("numpy", "numba", "llvmlite", "admf_kernels")
SCRIPT = f"""
import sys

class Wall:
    def find_spec(self, name, path=None, target=None):
        top = name.partition(".")[0]
        if top not in {ALLOWED!r} and top not in sys.stdlib_module_names:
            raise ImportError(f"{{name}} is blocked")

sys.meta_path.insert(0, Wall())
import admf_kernels
print("numba" in sys.modules)
from admf_kernels import Program, compute, get
import admf_kernels.plain
import admf_kernels.testing
print(compute(get("sma")(2), [1.0, 3.0, 5.0])[-1], len(admf_kernels.names()) > 15)
admf_kernels.testing.check_kernel("buy_and_hold", bars=20)
print("checked")
"""


def test_nothing_but_numpy_and_numba_is_imported(tmp_path):
    assert output_of(SCRIPT, cache=tmp_path / "cache").split("\n") == [
        "False",
        "4.0 True",
        "checked",
    ]
