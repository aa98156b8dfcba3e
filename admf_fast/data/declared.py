"""What is declared about bars, by the user and by the input's own metadata, made one."""

from __future__ import annotations

from typing import Final

import msgspec

from admf_fast.data.spec import SYMBOL_PATTERN, BarSpec
from admf_fast.errors import ConfigError, SchemaError

METADATA_KEYS: Final = {
    "stamp": b"admf.stamp",
    "timeframe": b"admf.timeframe",
    "symbol": b"admf.symbol",
}


def merge_metadata(label: str, spec: BarSpec, metadata: dict[bytes, bytes] | None) -> BarSpec:
    """Return `spec` with what only the metadata of a schema declares filled in.

    Raises SchemaError when the two contradict each other.
    """
    changes = {}
    for name, key in METADATA_KEYS.items():
        carried = (metadata or {}).get(key, b"").decode("utf-8", errors="replace")
        declared = getattr(spec, name)
        if carried and declared and carried != declared:
            remedy = "remove the wrong declaration"
            if name == "symbol":
                remedy = "a stream of bars has one symbol: name the files of one"
            raise SchemaError(
                f"{label}: its metadata says {name} {carried[:80]!r}, expected {declared!r} as "
                f"declared (bars.{name}, or another file); {remedy}"
            )
        if carried and not declared:
            changes[name] = carried
    return msgspec.structs.replace(spec, **changes) if changes else spec


def symbol_of(spec: BarSpec, stems: list[str]) -> str:
    """Return the symbol: declared, or the common stem of the files without the timeframe."""
    if spec.symbol:
        return spec.symbol
    names = {stem.removesuffix(f"_{spec.timeframe}") for stem in stems}
    name = names.pop() if len(names) == 1 else ""
    if SYMBOL_PATTERN.fullmatch(name) and name.strip("."):
        return name
    raise ConfigError(
        "bars.symbol: expected a symbol, found nothing and no single file name that could be one; "
        "declare it, or name the files of one symbol"
    )


def metadata_of(spec: BarSpec, symbol: str, source: str) -> dict[bytes, bytes]:
    """Return schema metadata that makes a file declare itself."""
    return {
        METADATA_KEYS["stamp"]: spec.stamp.encode(),
        METADATA_KEYS["timeframe"]: spec.timeframe.encode(),
        METADATA_KEYS["symbol"]: symbol.encode(),
        b"admf.source": source.encode(),
    }
