"""Timestamps of any type, unit and zone to int64 UTC nanoseconds, or a clear refusal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NoReturn

import numpy as np
import pyarrow as pa

from admf_fast.data.arrow import as_numpy
from admf_fast.data.columns import check_dates_allowed, check_naive_allowed
from admf_fast.data.spec import NS_PER_DAY, TS_NS_MAX
from admf_fast.errors import BarError, ConfigError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from admf_fast.data.place import Place
    from admf_fast.data.spec import BarSpec

NS_PER_UNIT: Final = {"s": 10**9, "ms": 10**6, "us": 10**3, "ns": 1}
# 1990..2100 in seconds: the four windows of `unit: auto` are far apart, so one value fits one.
_AUTO_MIN_S: Final = 631_152_000
_AUTO_MAX_S: Final = 4_102_444_800


class TimeReader:
    """Converts the time column of one file; what it learned from the first rows binds the rest.

    Parameters
    ----------
    place
        The input, for errors, and its column.
    spec
        `timezone` and `unit` are used.
    """

    def __init__(self, place: Place, spec: BarSpec) -> None:
        self._place = place
        self._label = place.label
        self._column = place.columns["timestamp"]
        self._spec = spec
        self._ns_per_unit = 0 if spec.unit == "auto" else NS_PER_UNIT[spec.unit]
        self._text_form = ""
        self._offset = ""

    def read(self, array: pa.Array, row: int) -> tuple[NDArray[np.int64], NDArray[np.bool_] | None]:
        """Return the times in UTC ns as declared (int64[n]) and where they are null (bool[n]).

        `row` is the number of the first row in the file. Null times read as 0.
        Raises BarError for a time outside 1970..2262, unreadable, or in another zone than before.
        """
        nulls = array.is_null().to_numpy(zero_copy_only=False) if array.null_count else None
        kind = array.type
        if pa.types.is_string(kind):
            array, ns_per_unit = self._parse_text(array, row)
        elif pa.types.is_date32(kind):
            array, ns_per_unit = array.view(pa.int32()), NS_PER_DAY
        elif pa.types.is_integer(kind):
            ns_per_unit = self._ns_per_unit or self._guess_unit(array, row)
        else:
            array, ns_per_unit = self._from_timestamps(array, row), NS_PER_UNIT[kind.unit]
        return self._scaled(array, ns_per_unit, row), nulls

    def _scaled(self, array: pa.Array, ns_per_unit: int, row: int) -> NDArray[np.int64]:
        if pa.types.is_timestamp(array.type):
            array = array.view(pa.int64())
        if array.null_count:
            array = array.fill_null(0)
        values = as_numpy(array)
        if len(values) == 0:
            return np.empty(0, np.int64)
        limit = TS_NS_MAX // ns_per_unit
        if int(values.min()) < 0 or int(values.max()) > limit:
            at = int(np.argmax((values < 0) | (values > limit)))
            self._refuse(row + at, f"{values[at]} is outside 1970..2262", "check its unit")
        ts_ns = np.require(values, np.int64, ["C", "A"])
        return ts_ns if ns_per_unit == 1 else ts_ns * ns_per_unit

    def _guess_unit(self, array: pa.Array, row: int) -> int:
        for at, value in enumerate(array.to_pylist()):
            if value is None:
                continue
            for ns_per_unit in NS_PER_UNIT.values():
                if _AUTO_MIN_S <= value * ns_per_unit // 10**9 < _AUTO_MAX_S:
                    self._ns_per_unit = ns_per_unit
                    return ns_per_unit
            self._refuse(
                row + at,
                f"{value} is no time of 1990..2100 in s, ms, us or ns",
                "declare bars.unit",
            )
        return 1  # only nulls so far: nothing learned

    def _from_timestamps(self, array: pa.Array, row: int) -> pa.Array:
        if array.type.tz is not None or self._spec.timezone.upper() == "UTC":
            return array
        return self._localised(array, row)

    def _localised(self, array: pa.Array, row: int) -> pa.Array:
        import pyarrow.compute as pc

        zone = self._spec.timezone
        try:
            return pc.assume_timezone(array, zone)
        except pa.ArrowInvalid:
            at, value = _first_failing(array, lambda one: pc.assume_timezone(one, zone))
            self._refuse(
                row + at,
                f"{value} does not exist or is twice in {zone} (daylight saving)",
                "store the times in UTC",
            )

    def _parse_text(self, array: pa.Array, row: int) -> tuple[pa.Array, int]:
        values = array.drop_null()
        if len(values) == 0:
            return pa.nulls(len(array), pa.int64()), 1
        if not self._text_form:
            self._text_form = self._form_of(values[0].as_py())
        if self._text_form == "integer":
            numbers = self._cast(array, pa.int64(), row, "an integer, as in the rows before")
            return numbers, self._ns_per_unit or self._guess_unit(numbers, row)
        if self._text_form == "date":
            dates = self._cast(array, pa.date32(), row, "a date YYYY-MM-DD")
            return dates.view(pa.int32()), NS_PER_DAY
        if self._text_form == "naive":
            naive = self._cast(array, pa.timestamp("ns"), row, "a time without zone (mixed zones)")
            return self._from_timestamps(naive, row), 1
        self._check_offsets(array, row)
        zoned = pa.timestamp("ns", "UTC")
        return self._cast(array, zoned, row, "an ISO time with a zone (mixed zones)"), 1

    def _form_of(self, text: str) -> str:
        if text.lstrip("-").isdigit():
            return "integer"
        if len(text) == 10:
            check_dates_allowed(self._label, self._column, self._spec)
            return "date"
        if _offset_of(text):
            return "zoned"
        check_naive_allowed(self._label, self._column, self._spec)
        return "naive"

    def _check_offsets(self, array: pa.Array, row: int) -> None:
        """Refuse a second UTC offset, unless `timezone` says that the file follows a zone."""
        if self._spec.timezone:
            return
        for at, text in enumerate(array.to_pylist()):
            offset = _offset_of(text) if text is not None else self._offset
            self._offset = self._offset or offset
            if offset and offset != self._offset:
                self._refuse(
                    row + at,
                    f"{text!r} has mixed zones: offset {offset}, the rows before {self._offset}",
                    "store the times in UTC, or declare the zone with bars.timezone",
                )

    def _cast(self, array: pa.Array, kind: pa.DataType, row: int, expected: str) -> pa.Array:
        try:
            return array.cast(kind)
        except pa.ArrowInvalid:
            at, value = _first_failing(array, lambda one: one.cast(kind))
            self._refuse(row + at, f"{str(value)[:80]!r} is not {expected}", "write all rows alike")

    def _refuse(self, row: int, fault: str, remedy: str) -> NoReturn:
        raise BarError(f"{self._place.cell(row, 'timestamp')}: {fault}; {remedy}")


def _offset_of(text: str) -> str:
    """Return the zone at the end of an ISO time: Z, +01:00, -0500 or nothing."""
    clock = text[10:]
    if clock.endswith(("Z", "z")):
        return "Z"
    for sign in "+-":
        if sign in clock:
            return clock[clock.index(sign) :]
    return ""


def _first_failing(array: pa.Array, convert: Any) -> tuple[int, Any]:
    """Return index and value of the first element that `convert` refuses."""
    low, high = 0, len(array)
    while high - low > 1:  # the fault is in [low, high)
        middle = (low + high) // 2
        try:
            convert(array.slice(low, middle - low))
            low = middle
        except pa.ArrowInvalid:
            high = middle
    return low, array[low].as_py()


def check_timezone(timezone: str) -> None:
    """Raise ConfigError unless `timezone` is empty, UTC or a known IANA name."""
    if not timezone or timezone.upper() == "UTC":
        return
    from zoneinfo import ZoneInfo

    try:
        ZoneInfo(timezone)
    except (ValueError, OSError, KeyError):
        raise ConfigError(
            f"bars.timezone: expected UTC or an IANA name such as America/New_York, "
            f"found {timezone[:80]!r}"
        ) from None
