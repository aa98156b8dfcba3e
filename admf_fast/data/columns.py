"""Which column of an input is which: spellings, ambiguity, and the types that lose nothing."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import pyarrow as pa

from admf_fast.data.block import VALUE_COLUMNS
from admf_fast.errors import ConfigError, SchemaError

if TYPE_CHECKING:
    from admf_fast.data.spec import BarSpec

STANDARD_NAMES: Final = ("timestamp", *VALUE_COLUMNS)
NO_VOLUME: Final = "none"
# Spellings after lower-casing and turning spaces and dashes into underscores. `adj_close` is
# deliberately in none of them: an adjusted price is used only when `columns` says so.
SPELLINGS: Final = {
    "timestamp": (
        *("timestamp", "ts", "time", "date", "datetime", "date_time", "t"),
        *("ts_event", "timestamp_ns", "ts_ns", "__index_level_0__"),
    ),
    "open": ("open", "o", "open_price"),
    "high": ("high", "h", "high_price"),
    "low": ("low", "l", "low_price"),
    "close": ("close", "c", "close_price"),
    "volume": ("volume", "vol", "v"),
}
# Spellings that say which end they name: only read when that is the declared stamp.
_STAMPED_SPELLINGS: Final = {
    "open": ("open_time", "opentime", "ts_open"),
    "close": ("close_time", "closetime", "ts_close"),
}


@dataclass(frozen=True, slots=True)
class Layout:
    """Where the standard columns of one input are.

    `names` maps standard names to columns, without volume when there is none.
    """

    names: dict[str, str]
    ignored: tuple[str, ...]
    notes: tuple[str, ...]


def check_mapping(columns: dict[str, str]) -> None:
    """Raise ConfigError unless every key of `columns` is a standard name."""
    for key in columns:
        if key not in STANDARD_NAMES:
            raise ConfigError(
                f"bars.columns: expected the keys {' '.join(STANDARD_NAMES)}, found {key!r}"
            )


def resolve_layout(label: str, schema: pa.Schema, spec: BarSpec, *, text: bool = False) -> Layout:
    """Find the standard columns in `schema` and check their types.

    `label` names the input in errors; `text` says that its cells are text (CSV), parsed later.
    Raises SchemaError for a column that is missing, present twice, ambiguous or of a wrong type.
    """
    found = list(schema.names)
    _refuse_twice(label, found)
    names = {}
    for name in STANDARD_NAMES:
        column = _find(label, name, found, spec)
        if column is not None:
            names[name] = column
    _refuse_shared(label, names)
    notes = [] if text else _check_types(label, schema, names, spec)
    if "volume" not in names:
        notes.append("volume: declared as none, read as 0")
    ignored = tuple(c for c in found if c not in names.values())
    return Layout(names, ignored, tuple(notes))


def _refuse_twice(label: str, found: list[str]) -> None:
    for column, times in Counter(found).items():
        if times > 1:
            raise SchemaError(
                f"{label}: column {column!r} is there {times} times; rename or remove all but one"
            )


def _refuse_shared(label: str, names: dict[str, str]) -> None:
    for name, column in names.items():
        twins = [other for other, used in names.items() if used == column and other != name]
        if twins:
            raise SchemaError(
                f"{label}: column {column!r} is mapped to both {name} and {twins[0]}; "
                "give each its own column in bars.columns"
            )


def _find(label: str, name: str, found: list[str], spec: BarSpec) -> str | None:
    if name in spec.columns:
        column = spec.columns[name]
        if column in found:
            return column
        if name == "volume" and column == NO_VOLUME:
            return None
        raise SchemaError(
            f"{label}: column {column!r}, declared as {name} in bars.columns, is missing; "
            f"found {_listed(found)}"
        )
    spellings = SPELLINGS[name]
    if name == "timestamp":
        spellings += _STAMPED_SPELLINGS.get(spec.stamp, ())
    taken = set(spec.columns.values())
    candidates = [c for c in found if _normal(c) in spellings and c not in taken]
    if len(candidates) == 1:
        return candidates[0]
    if candidates:
        raise SchemaError(
            f"{label}: {' and '.join(map(repr, candidates))} could both be the {name} column; "
            f"say which with bars.columns: {{{name}: {candidates[0]}}}"
        )
    remedy = f"map it with bars.columns: {{{name}: <column>}}"
    if name == "volume":
        remedy += ", or declare that there is none with bars.columns: {volume: none}"
    raise SchemaError(f"{label}: column {name} is missing; found {_listed(found)}; {remedy}")


def _normal(column: str) -> str:
    return column.strip().lower().replace(" ", "_").replace("-", "_")


def _listed(found: list[str]) -> str:
    shown = ", ".join(found[:20]) or "no column"
    return shown + (f" and {len(found) - 20} more" if len(found) > 20 else "")


def _check_types(label: str, schema: pa.Schema, names: dict[str, str], spec: BarSpec) -> list[str]:
    notes = []
    for name, column in names.items():
        kind = schema.field(column).type
        if name == "timestamp":
            _check_time_type(label, column, kind, spec)
        elif pa.types.is_float32(kind):
            notes.append(f"{name}: float32 widened to float64 as it is")
        elif pa.types.is_integer(kind):
            notes.append(f"{name}: {kind} converted to float64 without loss")
        elif not pa.types.is_float64(kind):
            raise SchemaError(
                f"{label}: column {column} ({name}): expected float64, float32 or an integer, "
                f"found {kind}; cast it to float64 in the file"
            )
    return notes


def _check_time_type(label: str, column: str, kind: pa.DataType, spec: BarSpec) -> None:
    if pa.types.is_date32(kind):
        check_dates_allowed(label, column, spec)
    elif pa.types.is_timestamp(kind):
        if kind.tz is None:
            check_naive_allowed(label, column, spec)
    elif not pa.types.is_integer(kind):
        raise SchemaError(
            f"{label}: column {column} (timestamp): expected a timestamp, a date32 or an integer, "
            f"found {kind}; cast it to timestamp[ns, UTC] in the file"
        )


def check_naive_allowed(label: str, column: str, spec: BarSpec) -> None:
    """Raise SchemaError unless `spec` says in which zone naive times are."""
    if not spec.timezone:
        raise SchemaError(
            f"{label}: column {column}: its times have no zone; say which with "
            "bars.timezone: UTC or an IANA name such as America/New_York"
        )


def check_dates_allowed(label: str, column: str, spec: BarSpec) -> None:
    """Raise SchemaError unless a plain date can name a bar of `spec`.

    A date is the session's: it starts at 00:00 UTC of that date. As a close stamp the bar would
    be known before its session begins.
    """
    if spec.timeframe[-1:] not in ("d", "w"):
        raise SchemaError(
            f"{label}: column {column}: dates cannot stamp bars of {spec.timeframe}; "
            "give full timestamps, or declare bars.timeframe: 1d"
        )
    if spec.stamp != "open":
        raise SchemaError(
            f"{label}: column {column}: a date names the session that starts on it, so its stamp "
            "is the open; declare bars.stamp: open, or give the time of the close"
        )
