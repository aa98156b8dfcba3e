"""Modules beside a configuration: each configuration gets those of its own folder."""

import importlib
import sys
import sysconfig
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType

# What was loaded from a folder while the name belonged to another folder's module.
_loaded: dict[Path, dict[str, ModuleType]] = {}
_KEPT = frozenset({"__main__", "admf_fast", "admf_kernels", *sys.stdlib_module_names})


@contextmanager
def own_modules(base_dir: str) -> Iterator[None]:
    """Let ``module:name`` find the modules of a folder, whatever else has their names.

    A module of the same name that came from elsewhere is set aside meanwhile and put back
    afterwards. Modules of Python itself and installed packages are never set aside.
    """
    folder = Path(base_dir or ".").resolve()
    aside = {name: sys.modules.pop(name) for name in _foreign(folder)}
    sys.modules.update(_loaded.get(folder, {}))
    sys.path.insert(0, str(folder))
    importlib.invalidate_caches()
    try:
        yield
    finally:
        sys.path.remove(str(folder))
        _put_back(folder, aside)


def _put_back(folder: Path, aside: dict[str, ModuleType]) -> None:
    tops = {name.partition(".")[0] for name in aside}
    mine = {n: m for n, m in sys.modules.items() if n.partition(".")[0] in tops}
    _loaded.setdefault(folder, {}).update(mine)
    for name in mine:
        del sys.modules[name]
    sys.modules.update(aside)


def _foreign(folder: Path) -> list[str]:
    """Return the loaded modules that hide one of the folder's."""
    names = {path.stem for path in folder.glob("*.py")}
    names |= {path.parent.name for path in folder.glob("*/*.py")}
    hidden = {
        name
        for name in names & sys.modules.keys() - _KEPT
        if not any(home.is_relative_to(at) for home in _homes(name) for at in (folder, *_INSTALLED))
    }
    return [name for name in sys.modules if name.partition(".")[0] in hidden]


def _homes(name: str) -> list[Path]:
    """Return where a loaded module came from; a folder without ``__init__.py`` has no file."""
    module = sys.modules[name]
    file = getattr(module, "__file__", None)
    return [Path(p).resolve() for p in ([file] if file else getattr(module, "__path__", []))]


_INSTALLED = tuple(Path(sysconfig.get_path(kind)).resolve() for kind in ("purelib", "platlib"))
