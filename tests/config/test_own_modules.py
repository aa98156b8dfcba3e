"""Kernels of modules beside configurations: each configuration gets its own."""

import sys
from pathlib import Path

import pytest

from admf_fast.config import load_config
from admf_fast.errors import ConfigError
from admf_fast.runners.setup import Setup, prepare

MODULE = """\
from admf_kernels import strategy
from admf_test_helper import LEVEL

@strategy()
def go(close):
    return LEVEL
"""


@pytest.fixture(autouse=True)
def modules_as_before():
    before = dict(sys.modules)
    yield
    for name in sys.modules.keys() - before.keys():
        if name.startswith("admf_test"):
            del sys.modules[name]


def _folder(folder: Path, level: float, kernel: str = "admf_test_mine:go") -> Path:
    name = kernel.partition(":")[0].replace(".", "/")
    module = folder / f"{name}.py"
    module.parent.mkdir(parents=True)
    module.write_text(MODULE)
    (folder / "admf_test_helper.py").write_text(f"LEVEL = {level!r}\n")
    config = folder / "run.yaml"
    config.write_text(
        "bars: {path: bars.csv, timeframe: 1m, stamp: open}\n"
        f'strategy: {{kernel: "{kernel}"}}\n'
    )  # fmt: skip
    return config


def _level(setup: Setup) -> float:
    level: float = setup.strategy.step.__globals__["LEVEL"]
    return level


@pytest.mark.parametrize("kernel", ["admf_test_mine:go", "admf_test_pack.mine:go"])
def test_modules_of_the_same_name_are_those_beside_their_configuration(
    tmp_path: Path, kernel: str
) -> None:
    configs = [_folder(tmp_path / f"d{k}", 0.25 * k, kernel) for k in range(3)]
    made = [prepare(load_config(c)) for c in configs]
    again = [prepare(load_config(c)) for c in reversed(configs)][::-1]

    assert [_level(s) for s in made] == [0.0, 0.25, 0.5]
    assert [s.strategy for s in made] == [s.strategy for s in again]
    for setup, config in zip(made, configs, strict=True):
        assert Path(setup.strategy.step.__code__.co_filename).is_relative_to(config.parent)


def test_what_was_imported_before_stays_as_it_was(tmp_path: Path) -> None:
    first, second = (_folder(tmp_path / name, 0.5) for name in "ab")
    prepare(load_config(first))
    before, path = dict(sys.modules), list(sys.path)
    prepare(load_config(second))

    assert sys.modules == before
    assert sys.path == path


@pytest.mark.parametrize("name", ["signal", "numpy"])
def test_a_module_with_the_name_of_an_installed_one_is_refused_with_its_file(
    tmp_path: Path, name: str
) -> None:
    config = _folder(tmp_path / "d", 0.5, f"{name}:go")
    loaded = __import__(name)

    with pytest.raises(ConfigError) as caught:
        prepare(load_config(config))
    assert f"'{name}' was loaded from {loaded.__file__}" in str(caught.value)
    assert "run.yaml:2: " in str(caught.value)
    assert "rename yours" in str(caught.value)
    assert sys.modules[name] is loaded
