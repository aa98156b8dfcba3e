"""The examples in the pages run exactly as they are printed."""

import importlib
import re
import shutil
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from admf_fast.cli.main import main
from admf_kernels.compiler import rules
from admf_kernels.contract import Kernel

ROOT = Path(__file__).parents[1]


def _blocks(page: str, language: str) -> list[str]:
    text = (ROOT / page).read_text()
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def _module(page: str, name: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """Import the blocks of a page, in order, as one module: kernels need a file of source."""
    path = folder / f"{name}.py"
    path.write_text("\n\n".join(_blocks(page, "python")))
    monkeypatch.syspath_prepend(str(folder))
    monkeypatch.setitem(sys.modules, name, ModuleType(name))  # afterwards all is as before
    del sys.modules[name]
    module = importlib.import_module(name)
    assert module.__file__ == str(path)
    return module


def _kernels(module: ModuleType) -> list[Kernel]:
    own = [k for k in vars(module).values() if isinstance(k, Kernel)]
    return [k for k in own if k.step.__module__ == module.__name__]


def _program_of(kernel: Kernel) -> None:
    from admf_kernels import Program, Strategy, compute
    from admf_kernels.testing import random_bars

    bars = random_bars(500)
    if isinstance(kernel, Strategy):
        Program(kernel, kernel.checked()).feed(*bars)
    else:
        compute(kernel(), bars.close)


@pytest.mark.parametrize(
    ("page", "name", "blocks"),
    [("README.md", "my_strategy", 2), ("docs/kernels.md", "my_module", 5)],
)
def test_python_of_the_pages_runs(
    page: str, name: str, blocks: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert len(_blocks(page, "python")) == blocks
    module = _module(page, name, tmp_path, monkeypatch)

    np.testing.assert_array_equal(module.column, np.array(module.values))
    for kernel in _kernels(module):
        rules.check(kernel.step)
        _program_of(kernel)


def test_python_of_the_page_on_time_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    module = _module("docs/time.md", "my_time", tmp_path, monkeypatch)

    assert len(module.column) == 5000
    assert not np.isnan(module.column[-1])
    rules.check(module.below_the_average.step)


def test_python_of_the_page_on_containers_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    module = _module("docs/containers.md", "my_containers", tmp_path, monkeypatch)

    assert module.same
    assert module.chain == ["FILL", "ORDER", "SIGNAL", "BAR"]
    assert list(module.results) == ["first", "second"]


def test_python_of_the_page_on_actions_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = _module("docs/actions.md", "my_actions", tmp_path, monkeypatch)

    np.testing.assert_array_equal(module.seen[:100], module.bars.close[:100])
    assert (module.seen[100:] > 2.0 * module.bars.close[100:]).all()


def test_the_test_of_the_page_passes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    module = _module("docs/kernels.md", "my_module", tmp_path, monkeypatch)
    assert {k.name.rpartition(":")[2] for k in _kernels(module)} >= {
        "crossing",
        "patient",
        "change",
    }
    module.test_change()


def test_the_strategy_of_the_readme_runs_from_the_folder_it_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (python, *_), (yaml,) = _blocks("README.md", "python"), _blocks("README.md", "yaml")
    commands = [c for block in _blocks("README.md", "sh") for c in block.splitlines()]
    folder = tmp_path / "examples" / "mine"
    folder.mkdir(parents=True)
    shutil.copytree(ROOT / "data", tmp_path / "data")
    (folder / "my_strategy.py").write_text(python)
    (folder / "my_strategy.yaml").write_text(yaml)
    monkeypatch.chdir(tmp_path)

    own = [c.split() for c in commands if "examples/mine/" in c]
    assert [arguments[:2] for arguments in own] == [
        [".venv/bin/admf", "backtest"],
        [".venv/bin/admf", "parity"],
    ]
    for arguments in own:
        assert main(arguments[1:]) == 0
    assert "Identical: " in capsys.readouterr().out


def test_the_strategy_of_the_execution_page_makes_the_orders_it_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from admf_kernels import Program
    from admf_kernels.execution.reasons import KINDS, ROLES
    from admf_kernels.testing import random_bars

    module = _module("docs/execution.md", "page_orders", tmp_path, monkeypatch)
    (kernel,) = _kernels(module)
    rules.check(kernel.step)
    program = Program(module.both_ways)
    program.feed(*random_bars(2000))
    counts = dict(zip(program.events, program.counts.tolist(), strict=True))
    fills, orders = program.events["fills"], program.events["orders"]

    assert counts["trades"] > 10
    assert {KINDS[k] for k in orders["kind"][: counts["orders"]]} == {"limit", "stop"}
    roles = {ROLES[r] for r in fills["role"][: counts["fills"]]}
    assert roles == {"request", "stop_loss", "take_profit"}


def test_the_commands_of_the_consistency_page_run_as_they_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (block,) = _blocks("docs/consistency.md", "sh")
    shutil.copytree(ROOT / "data", tmp_path / "data")
    shutil.copytree(ROOT / "examples", tmp_path / "examples")
    monkeypatch.chdir(tmp_path)
    commands = [line.split() for line in block.splitlines()]

    names = ("live", "verify", "backtest", "compare", "demo")
    assert [c[:2] for c in commands] == [["admf", name] for name in names]
    for arguments in commands:
        assert main(arguments[1:]) == 0
    told = capsys.readouterr().out
    assert "Identical: 3,270 bars made again gave the same bits." in told
    assert "Identical in everything that was recorded." in told
    assert "11 of 11 as they must be" in told
    assert (tmp_path / "runs" / "shadow.html").exists()


def test_the_example_of_a_shadow_finds_the_bit_that_it_flips(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(ROOT / "examples" / "shadow"))
    importlib.import_module("shadow").main()
    told = capsys.readouterr().out.splitlines()

    assert told[0].startswith("Until here: {'bars': 1500, 'signal_divergence_rate': 0.0")
    assert told[1].startswith("logic divergence of run 'shadow' at bar 2000 ")
    assert "sma(10)" in told[1]
    assert len(told) == 3
