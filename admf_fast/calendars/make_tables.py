"""Makes the tables of sessions from `exchange_calendars`; run it after an update of that.

Usage: ``python -m admf_fast.calendars.make_tables``. Needs the development dependencies.
"""

import json
import zoneinfo
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

# Name here, name there. XEUR is Eurex; CMES is CME Globex, whose day begins the evening before.
CALENDARS = {"XNYS": "XNYS", "XLON": "XLON", "XEUR": "XEUR", "CME": "CMES"}
FIRST, LAST = "1990-01-01", "2035-12-31"
NS_PER_S = 1_000_000_000


def table_of(name: str) -> pa.Table:
    """Return the table of a calendar: date, open_ns, close_ns of every session.

    Its metadata hold the zone, the changes of its offset, and what it was made from.
    """
    import exchange_calendars

    calendar = exchange_calendars.get_calendar(CALENDARS[name], start=FIRST, end=LAST)
    schedule = calendar.schedule
    opens, closes = (_words(schedule[column]) for column in ("open", "close"))
    zone = str(calendar.tz)
    metadata = {
        "admf.calendar": name,
        "admf.zone": zone,
        "admf.offsets": json.dumps(offsets_of(zone, int(opens[0]), int(closes[-1]))),
        "admf.source": f"exchange_calendars {exchange_calendars.__version__} {calendar.name}",
        "admf.licence": "Apache-2.0",
    }
    dates = schedule.index.to_numpy().astype("datetime64[D]").astype(np.int32)
    columns = [pa.array(dates, pa.int32()).cast(pa.date32()), pa.array(opens), pa.array(closes)]
    return pa.table(columns, names=["date", "open_ns", "close_ns"]).replace_schema_metadata(
        metadata
    )


def _words(column: Any) -> np.ndarray[Any, np.dtype[np.int64]]:
    naive = column.dt.tz_convert("UTC").dt.tz_localize(None).to_numpy()
    return np.asarray(naive.astype("datetime64[ns]").astype(np.int64))


def offsets_of(zone: str, first_ns: int, last_ns: int) -> list[tuple[int, int]]:
    """Return from which UTC second on local time is how many seconds ahead of UTC."""
    info = zoneinfo.ZoneInfo(zone)

    def offset(second: int) -> int:
        found = (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=second)).astimezone(info)
        return round((found.utcoffset() or timedelta()).total_seconds())

    at, last = first_ns // NS_PER_S - 1, last_ns // NS_PER_S
    changes = [(at, offset(at))]
    while at < last:
        following = at + 86_400
        if offset(following) != changes[-1][1]:
            low, high = at, following  # the change lies after low and not after high
            while high - low > 1:
                middle = (low + high) // 2
                low, high = (low, middle) if offset(middle) != changes[-1][1] else (middle, high)
            changes.append((high, offset(high)))
        at = following
    return changes


def main() -> None:
    """Write all tables."""
    for name in CALENDARS:
        path = Path(__file__).parent / "tables" / f"{name}.parquet"
        encodings = dict.fromkeys(("date", "open_ns", "close_ns"), "DELTA_BINARY_PACKED")
        pq.write_table(
            table_of(name), path, compression="zstd", use_dictionary=False,
            column_encoding=encodings, write_statistics=False,
        )  # fmt: skip


if __name__ == "__main__":
    main()
