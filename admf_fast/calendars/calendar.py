"""A market's calendar, read from the table that ships with it."""

import difflib
import functools
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from admf_fast.data.spec import CALENDARS
from admf_fast.errors import ConfigError
from admf_kernels.clock import Clock, continuous

TABLES = Path(__file__).parent / "tables"
NS_PER_S = 1_000_000_000


@dataclass(frozen=True, slots=True, eq=False)
class Calendar:
    """The sessions of one market.

    Attributes
    ----------
    zone : str
        IANA name of its local time.
    source : str
        What the table was made from, with the version.
    clock : Clock
        Sessions and offsets as arrays that cannot be written to; what programs take.
    """

    name: str
    zone: str
    source: str
    clock: Clock

    @property
    def digest(self) -> str:
        """The sha256 of all sessions and offsets."""
        return self.clock.digest


@functools.cache
def load_calendar(name: str) -> Calendar:
    """Return a calendar by name.

    Raises ConfigError, with the nearest name, for one that does not ship.
    """
    if name not in CALENDARS:
        near = difflib.get_close_matches(name.upper(), CALENDARS, n=1)
        hint = f"; did you mean {near[0]}?" if near else ""
        raise ConfigError(f"calendar: expected one of {' '.join(CALENDARS)}, found {name!r}{hint}")
    if name == "24/7":
        return Calendar(name, "UTC", "days in UTC", continuous())
    table = _read(TABLES / f"{name}.parquet")
    about = {k.decode(): v.decode() for k, v in (table.schema.metadata or {}).items()}
    changes = np.array(json.loads(about["admf.offsets"]), np.int64) * NS_PER_S
    clock = Clock(
        name,
        open_ns=table.column("open_ns").to_numpy(),
        close_ns=table.column("close_ns").to_numpy(),
        day=table.column("date").cast(pa.int32()).to_numpy(),
        offset_from_ns=changes[:, 0],
        offset_ns=changes[:, 1],
    )
    return Calendar(name, about["admf.zone"], about["admf.source"], clock)


def _read(path: Path) -> pa.Table:
    with pa.memory_map(str(path)) as file:
        return pq.ParquetFile(file).read()
