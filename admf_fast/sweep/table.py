"""From what the lanes came to, to rows of a table."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa
import xxhash
from msgspec import UNSET

from admf_fast.sweep.arrays import array_of
from admf_fast.sweep.columns import COMPARED, FIGURES, HEAD, RESULT_DIGEST, TAIL
from admf_fast.sweep.lanes import LaneResult
from admf_fast.sweep.space import Axis
from admf_kernels.layout import pack

Row = dict[str, Any]


def param_types(axes: Sequence[Axis], sets: Sequence[Sequence[Any]]) -> dict[str, pa.DataType]:
    """Return the type of every parameter's column: the narrowest that holds all its values."""
    kinds: list[set[type]] = [set() for _ in axes]
    for values in sets:
        for k, value in enumerate(values):
            kinds[k].add(type(value))
    return {axis.name: _type_of(found) for axis, found in zip(axes, kinds, strict=True)}


def _type_of(kinds: set[type]) -> pa.DataType:
    kinds = kinds - {type(UNSET)}
    if kinds == {bool}:
        return pa.bool_()
    if kinds == {int}:
        return pa.int64()
    if kinds and kinds <= {int, float}:
        return pa.float64()
    return pa.string()


def part_schema(params: Mapping[str, pa.DataType]) -> pa.Schema:
    """Return the schema of a part: what is known of a row on its own."""
    return pa.schema([*HEAD, *params.items(), *FIGURES, *TAIL, RESULT_DIGEST])


def result_schema(params: Mapping[str, pa.DataType]) -> pa.Schema:
    """Return the schema of the results."""
    return pa.schema([*HEAD, *params.items(), *FIGURES, *TAIL, *COMPARED])


def shown(value: Any, kind: pa.DataType) -> Any:
    """Return a value as its column holds it; what is not in force is null."""
    if value is UNSET:
        return None
    if kind == pa.string() and not isinstance(value, str):
        return json.dumps(value, sort_keys=True)
    return float(value) if kind == pa.float64() else value


def plain_params(params: Mapping[str, Any]) -> dict[str, Any]:
    """Return parameters by name, None for what is not in force."""
    return {name: None if value is UNSET else value for name, value in params.items()}


def row_of(
    place: int, symbol: str, params: Mapping[str, Any], bars: int, result: LaneResult | str
) -> Row:
    """Return the row of a set; a text in place of a result says why there is none."""
    row: Row = {"set": place, "symbol": symbol, **params}
    error = result if isinstance(result, str) else result.refusal
    if isinstance(result, str) or error:
        row |= {name: None for name, _ in FIGURES}
        return row | {"signals_digest": None, "warnings": [], "error": error, "result_digest": None}
    row |= result.summary._asdict()
    words = pack(result.summary).tobytes() + result.signals.encode()
    return row | {
        "signals_digest": result.signals,
        "warnings": _warnings(bars, result),
        "error": None,
        "result_digest": xxhash.xxh3_128_hexdigest(words),
    }


def _warnings(bars: int, result: LaneResult) -> list[str]:
    found = []
    if bars < result.ready_bars:
        found.append(f"needs {result.ready_bars} bars before its first signal, there are {bars}")
    elif not result.summary.trades:
        found.append("no closed trade")
    return found


def table_of(rows: Sequence[Row], schema: pa.Schema) -> pa.Table:
    """Return rows as a table."""
    columns = [array_of([row[field.name] for row in rows], field.type) for field in schema]
    return pa.Table.from_arrays(columns, schema=schema)
