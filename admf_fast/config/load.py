"""From a file, a text or Python values to a checked Config."""

import os
import re
import stat
from typing import Any, Literal

import msgspec
from msgspec import structs

from admf_fast.config.diagnose import Diagnosis
from admf_fast.config.expected import expected_text
from admf_fast.config.instrument import MarketSpec
from admf_fast.config.model import Config, ConfigContent
from admf_fast.config.plain import plain
from admf_fast.config.rules import check_rules
from admf_fast.config.section import Name
from admf_fast.config.source import Problems, Source, found_text, quoted
from admf_fast.config.toml_reader import read_toml
from admf_fast.config.yaml_reader import read_yaml
from admf_fast.data.spec import BarSpec
from admf_fast.errors import ConfigError

Format = Literal["yaml", "toml"]

SIZE_MAX_BYTES = 1_000_000
# What stands for "not given" where instruments are.
_SINGLE = {"bars": BarSpec(), "instrument": MarketSpec()}
_FORMATS: dict[str, Format] = {".yaml": "yaml", ".yml": "yaml", ".toml": "toml"}


def load_config(path: str | os.PathLike[str]) -> Config:
    """Read and check a configuration file; its suffix (.yaml, .yml, .toml) tells the format."""
    name = os.fspath(path)
    if not name.isprintable():
        raise ConfigError(f"expected a printable file name; found {quoted(name)}")
    suffix = os.path.splitext(name)[1].lower()
    if suffix not in _FORMATS:
        found = quoted(os.path.basename(name))
        raise ConfigError(f"expected a .yaml, .yml or .toml file; found {found}")
    return parse_config(
        read_text(name), name=name, format=_FORMATS[suffix], base_dir=os.path.dirname(name)
    )


def parse_config(text: str, *, name: str, format: Format, base_dir: str = "") -> Config:
    """Read and check a configuration text; `name` stands for the file in every message."""
    _check_size(len(text), name)
    if lone := re.search("[\ud800-\udfff]", text):
        raise ConfigError(f"{name}: {quoted(lone[0])} is half a character; write the text as UTF-8")
    _check_size(len(text.encode()), name)
    data, lines = (read_yaml if format == "yaml" else read_toml)(text, name)
    source = Source(name=name, base_dir=base_dir, lines=lines)
    if not isinstance(data, dict):
        found = "an empty file" if data is None else found_text(data)
        raise ConfigError(f"{name}: expected sections such as bars and strategy; found {found}")
    return _checked(data if "name" in data else {"name": _stem(name), **data}, source)


def validate(config: Config) -> Config:
    """The configuration with every value checked as if read from a file; ConfigError if wrong.

    An int given for a float field comes back as the float, so equal configurations compare equal.
    """
    try:
        data = msgspec.to_builtins(config)
    except (TypeError, ValueError, RecursionError) as error:
        raise ConfigError(f"Config: expected plain Python values: {error}") from None
    del data["source"]
    return _checked(without_unused(data), config.source)


def config_of(data: dict[str, Any], source: Source) -> Config:
    """The checked configuration of plain data, as a file of `source` would hold it."""
    return _checked(data, source)


def without_unused(data: dict[str, Any]) -> dict[str, Any]:
    """The same data with either `bars` and `instrument` or `instruments`, the way it is written."""
    listed = data.get("instruments")
    unused = (
        {key: msgspec.to_builtins(spec) for key, spec in _SINGLE.items()}
        if listed
        else {"instruments": listed}
    )
    return {key: value for key, value in data.items() if unused.get(key, ...) != value}


def _stem(name: str) -> str:
    stem = os.path.splitext(os.path.basename(name))[0]
    try:
        return msgspec.convert(stem, Name)
    except msgspec.ValidationError:
        text = (
            f"name is missing, and the file name is no substitute: expected {expected_text(Name)}"
        )
        raise ConfigError(f"{name}: {text}; found {quoted(stem)}; add name: my_run") from None


def _checked(data: dict[str, object], source: Source) -> Config:
    problems = Problems(source)
    clean = plain(data, problems)
    problems.raise_if_any()
    _check_traded(data, problems)
    try:
        content = msgspec.convert(clean, ConfigContent, strict=True)
    except msgspec.ValidationError as error:
        Diagnosis(ConfigContent, problems).run(clean)
        if not problems:
            problems.add((), str(error))
        raise problems.error() from None
    check_rules(content, problems)
    problems.raise_if_any()
    exits = structs.replace(content.exits, take_profit=content.exits.targets)
    return Config(**{**structs.asdict(content), "exits": exits}, source=source)


def _check_traded(data: dict[str, object], problems: Problems) -> None:
    """Note bars that are missing, or said twice."""
    if "instruments" not in data:
        if "bars" not in data:
            text = f"{expected_text(BarSpec)}, or else instruments"
            problems.missing(("bars",), text)
        return
    for key in ("bars", "instrument"):
        if key in data:
            text = f"expected {key} or instruments; found both; move it into one of instruments"
            problems.add((key,), text)
    if data["instruments"] == []:
        problems.add(("instruments",), "expected at least 1 instrument; found a list of 0")


def read_text(name: str) -> str:
    """The text of a regular file in UTF-8, of at most `SIZE_MAX_BYTES`."""
    return _decoded(_file_bytes(name), name)


def _file_bytes(name: str) -> bytes:
    try:
        # Without O_NONBLOCK, opening a pipe that nobody writes to would wait for ever.
        number = os.open(name, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(number, "rb") as file:
            if not stat.S_ISREG(os.fstat(number).st_mode):
                raise ConfigError(f"{name}: expected a regular file")
            content = file.read(SIZE_MAX_BYTES + 1)
    except OSError as error:
        raise ConfigError(f"{name}: cannot be read: {error.strerror}") from None
    _check_size(len(content), name)
    return content


def _check_size(size_bytes: int, name: str) -> None:
    if size_bytes > SIZE_MAX_BYTES:
        raise ConfigError(f"{name}: expected at most {SIZE_MAX_BYTES} bytes; found more")


def _decoded(content: bytes, name: str) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        found = f"byte 0x{content[error.start]:02x}; save the file as UTF-8"
        raise ConfigError(f"{name}:{line}: expected UTF-8; found {found}") from None
