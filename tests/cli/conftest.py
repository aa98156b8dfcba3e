"""Running `admf`: in this process, or as a process of its own."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
COMMAND = [sys.executable, "-m", "admf_fast.cli.main"]

CONFIG = """\
bars: {path: bars.parquet, timeframe: 1m, stamp: open}
strategy: {kernel: sma_cross, params: {fast: 5, slow: 20}}
"""


@dataclass(frozen=True)
class Ran:
    """How a command ended, and what it printed."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        def refuse(constant: str) -> None:
            raise AssertionError(f"{constant} is no JSON")

        return json.loads(self.out, parse_constant=refuse)


Admf = Callable[..., Ran]


@pytest.fixture
def admf(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Admf:
    """Run `admf` in this process, in a folder of its own."""
    from admf_fast.cli.main import main

    monkeypatch.chdir(tmp_path)

    def run(*arguments: object) -> Ran:
        code = main([str(a) for a in arguments])
        out, err = capsys.readouterr()
        return Ran(code, out, err)

    return run


@pytest.fixture
def environment() -> dict[str, str]:
    """The environment in which a process of its own finds the packages."""
    paths = [str(ROOT), str(ROOT / "kernels"), os.environ.get("PYTHONPATH", "")]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}


@pytest.fixture
def start(tmp_path: Path, environment: dict[str, str]) -> Callable[..., "subprocess.Popen[str]"]:
    """Start `admf` as a process; its streams are pipes."""

    def started(*arguments: object, stdout: Any = subprocess.PIPE) -> "subprocess.Popen[str]":
        return subprocess.Popen(
            [*COMMAND, *map(str, arguments)],
            stdin=subprocess.PIPE, stdout=stdout, stderr=subprocess.PIPE,
            text=True, cwd=tmp_path, env=environment,
        )  # fmt: skip

    return started


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """A configuration and 3,000 one-minute bars beside it."""
    from admf_fast.data import SynthSpec, write_synth

    folder = tmp_path / "inputs"
    folder.mkdir()
    write_synth(SynthSpec(bars=3000, seed=7), folder / "bars.parquet")
    path = folder / "crossing.yaml"
    path.write_text(CONFIG)
    return path
