"""Fresh processes and the report: they work; how long they take is not tested."""

import json
from pathlib import Path

import pytest

from bench import memory, report, startup
from bench.child import COMMANDS, ENGINES
from bench.figure import QUICK, Figure
from bench.timing import child


@pytest.mark.parametrize("package", ["admf_kernels", "admf_fast.jobs"])
def test_import_is_timed(package: str) -> None:
    assert child("imports", package)["ms"] > 0


def test_warm_start(tmp_path: Path) -> None:
    """The command that start-up times ends with a run directory."""
    startup.command_s(None, tmp_path / "run")

    assert (tmp_path / "run" / "manifest.json").exists()


def test_memory_is_that_of_the_child() -> None:
    first, second = memory.measure(QUICK)

    assert 0 < first.value < second.value * 2
    assert second.peer == first.value


def test_kernel_times_cover_the_registry() -> None:
    from admf_kernels import Indicator, Strategy, names

    kernels = names((Indicator, Strategy))
    assert set(COMMANDS["kernels"]()) == {"toolchain", *ENGINES, *kernels}


def test_report(tmp_path: Path) -> None:
    """Both files hold the figure, with the ratio worked out."""
    report.write(tmp_path, [Figure("group", "name", 2.0, "ns per bar", 4.0, "peer", 0.8)])

    stored = json.loads((tmp_path / "results.json").read_text())
    assert stored["figures"][0]["ratio"] == 0.5
    line = "| name | 2.00 ns per bar | peer 4.00 | 0.50 | ≤ 0.8 |"
    assert line in (tmp_path / "results.md").read_text()
