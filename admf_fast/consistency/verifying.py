"""A recorded run made again by the historical runner: equal in every bit, or named where not."""

import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from admf_fast.consistency.divergence import Divergence, Family, between, divergence_of
from admf_fast.consistency.remake import Remake
from admf_fast.consistency.stored import open_any, schemas_of, stored_digests, stored_log
from admf_fast.consistency.stored import stored_metrics as metrics_of
from admf_fast.errors import DivergenceError
from admf_fast.explain import StoredRun
from admf_fast.parity.compare import Log, first_difference
from admf_fast.runners.historical import Progress
from admf_fast.runners.recorder import MemorySink
from admf_fast.runners.result import RunResult


class Check(NamedTuple):
    """One thing that was compared, and whether it was equal in all bits."""

    name: str
    identical: bool
    note: str = ""


@dataclass(frozen=True, slots=True)
class Verification:
    """What a verification found; `source` is ``tables`` or ``journal``."""

    folder: Path
    run: str
    mode: str
    source: str
    bars: int
    checks: list[Check] = field(default_factory=list)
    layers: dict[str, str] = field(default_factory=dict)
    divergence: Divergence | None = None

    @property
    def identical(self) -> bool:
        """Whether everything was equal in all bits."""
        return self.divergence is None and all(check.identical for check in self.checks)

    def to_json(self) -> dict[str, Any]:
        """Return it as plain data."""
        return {
            "run": self.run,
            "folder": str(self.folder),
            "mode": self.mode,
            "source": self.source,
            "bars": self.bars,
            "identical": self.identical,
            "checks": [check._asdict() for check in self.checks],
            "layers": self.layers,
            "divergence": self.divergence.to_json() if self.divergence else None,
        }

    def require(self) -> None:
        """Raise DivergenceError unless everything was equal."""
        if self.divergence:
            raise DivergenceError(str(self.divergence))


def verify_tables(
    folder: Path, *, base: Path | None = None, progress: Progress | None = None
) -> Verification:
    """Verify a run directory: its tables against its manifest, and both against the run made
    again from its manifest and bars by the historical runner.

    Raises StateError where run, bars or code cannot be found as they were.
    """
    run = open_any(folder)
    remake = Remake(run, base)
    told: dict[str, str] = run.manifest["layers"]
    stored = stored_digests(run)
    again = remake(progress=progress)
    as_told = {layer: stored.get(layer, told.get(layer)) == told.get(layer) for layer in told}
    made = {layer: again.layers.get(layer) == digest for layer, digest in told.items()}
    broken = _different_metrics(run, again)
    checks = [
        Check("tables against manifest", all(as_told.values()), _names(as_told)),
        Check("made again against manifest", all(made.values()), _names(made)),
        Check("figures against metrics.json", broken is None),
    ]
    divergence = None
    if not all(check.identical for check in checks):
        divergence = _tables_divergence(run, remake) or broken or _unexplained(run, told, again)
    name = str(run.manifest["run_id"])
    return Verification(
        folder, name, run.manifest["mode"], "tables", again.bars, checks, again.layers, divergence
    )


def _names(equal: dict[str, bool]) -> str:
    return ", ".join(layer for layer, same in equal.items() if not same)


def _tables_divergence(run: StoredRun, remake: Remake) -> Divergence | None:
    """Return the first difference of the stored tables from those made again."""
    sink = MemorySink(schemas_of(run))
    remake(sink)
    difference = first_difference(run.folder.name, Log(sink.tables(), None), stored_log(run))
    return divergence_of(difference) if difference else None


def _different_metrics(run: StoredRun, again: RunResult) -> Divergence | None:
    """Return the first figure that is not as it was written; null stands for no number."""
    stored = metrics_of(run)
    for name, value in again.summary._asdict().items():
        found = stored.get(name)
        expected = None if isinstance(value, float) and not math.isfinite(value) else value
        if expected != found:
            place = ("metrics", -1, -1, name)
            return between(Family.LOGIC, run.folder.name, place, expected, found)
    return None


def _unexplained(run: StoredRun, told: dict[str, str], again: RunResult) -> Divergence:
    """Return that the manifest tells digests which neither tables nor bars lead to."""
    layer = next((n for n in told if told[n] != again.layers.get(n)), "metrics")
    place = (layer, -1, -1, "digest in manifest.json")
    expected = again.layers.get(layer, "none")
    return between(Family.LOGIC, run.folder.name, place, expected, told.get(layer, "none"))
