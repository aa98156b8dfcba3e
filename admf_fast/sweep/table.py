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
from admf_kernels.layout import packed

Row = tuple[Any, ...]  # in the order of `part_schema`
NO_FIGURES = (None,) * len(FIGURES)


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
    place: int, symbol: str, params: Sequence[Any], bars: int, result: LaneResult | str
) -> Row:
    """Return the row of a set; a text in place of a result says why there is none."""
    head = (place, symbol, *params)
    error = result if isinstance(result, str) else result.refusal
    if isinstance(result, str) or error:
        return (*head, *NO_FIGURES, None, (), error, None)
    digest = xxhash.xxh3_128_hexdigest(packed(result.summary) + result.signals.encode())
    return (*head, *result.summary, result.signals, _warnings(bars, result), None, digest)


def _warnings(bars: int, result: LaneResult) -> list[str]:
    found = []
    if bars < result.ready_bars:
        found.append(f"needs {result.ready_bars} bars before its first signal, there are {bars}")
    elif not result.summary.trades:
        found.append("no closed trade")
    return found


def table_of(rows: Sequence[Row], schema: pa.Schema) -> pa.Table:
    """Return rows, one or more, as a table."""
    columns = zip(zip(*rows, strict=True), schema, strict=True)
    arrays = [array_of(values, field.type) for values, field in columns]
    return pa.Table.from_arrays(arrays, schema=schema)
