"""Evidence from two run directories: a run, and a run of the model on the same bars."""

from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from admf_fast.config import MonitorSpec
from admf_fast.errors import StateError
from admf_fast.metrics import trade_columns
from admf_fast.metrics.returns import DAY_NS
from admf_fast.monitor.alerter import DivergenceAlerter
from admf_fast.monitor.baseline import Baseline
from admf_fast.monitor.figures import AT
from admf_fast.monitor.read_run import read_days, read_manifest
from admf_fast.rollout.evidence import Digests, Evidence
from admf_fast.rollout.shadowed import Shadowed, has_journal

# What may not differ: on a paper account nothing, at a venue what the strategy wanted.
PAPER_LAYERS = ("signals", "orders", "fills", "trades", "adjustments", "equity", "state", "metrics")
LIVE_LAYERS = ("signals",)
Fills = dict[int, tuple[int, float]]


def evidence_of_runs(
    run: Path, reference: Path, *, after_ns: int = 0, baseline: Baseline | None = None
) -> Evidence:
    """Return what `run` shows, beside `reference`: a run of the same configuration and bars.

    Bars up to `after_ns` are not counted; they are compared all the same. With a `baseline`,
    the days after it are held to its bands. Of a run with a journal, what its shadow compared
    counts as well. Raises StateError for what is no run directory, and for a journal of another
    run than the tables beside it.
    """
    ours, config = read_manifest(run)
    theirs, _ = read_manifest(reference)
    mode = _mode(run, ours)
    differing = _differing(ours, theirs, LIVE_LAYERS if mode == "live" else PAPER_LAYERS)
    times = _times(run, after_ns)
    bps, unmatched, count = _execution(run, reference, after_ns)
    last_ns = int(times[-1]) if len(times) else 0
    shadowed = _shadowed(run, ours, after_ns, last_ns)
    if shadowed is not None and shadowed.divergence:
        differing = [shadowed.divergence, *differing]
    return Evidence(
        mode=mode,
        digests=Digests(config=ours["inputs"]["config"], code=ours["inputs"]["code"]),
        run_id=ours["run_id"], reference_id=theirs["run_id"],
        first_ts_ns=int(times[0]) if len(times) else 0,
        last_ts_ns=last_ns,
        bars=len(times), days=len(np.unique((times - 1) // DAY_NS)),
        logic_divergences=len(differing), first_divergence=differing[0] if differing else "",
        input_divergences=int(ours["inputs"]["data"] != theirs["inputs"]["data"]),
        fills=count, execution_bps=bps, unmatched_percent=unmatched,
        outside=_outside(run, baseline, config.monitor, after_ns),
        shadow_bars=shadowed.bars if shadowed else 0,
        shadow_days=shadowed.days if shadowed else 0,
        journal=shadowed.digest if shadowed else "",
    )  # fmt: skip


def _shadowed(run: Path, manifest: dict[str, Any], after_ns: int, last_ns: int) -> Shadowed | None:
    """Return what the journal beside the tables of a run says of its shadow over their bars."""
    if not has_journal(run):
        return None
    found = Shadowed(run, after_ns=after_ns, until_ns=last_ns)
    digests = {kind: manifest["inputs"][kind] for kind in ("config", "code")}
    if found.last is None or found.digests() != Digests(**digests):
        raise StateError(
            f"{run}: expected a journal of the run that the tables are of, by the digests of its "
            "configuration and code; found another one"
        )
    return found


def _mode(folder: Path, manifest: dict[str, Any]) -> str:
    """Return backtest, paper, shadow or live; live is only what a run's own status says it is."""
    if manifest["mode"] == "backtest":
        return "backtest"
    path = folder / "status.json"
    try:
        return str(msgspec.json.decode(path.read_bytes())["mode"])
    except FileNotFoundError:
        return "paper"  # bar by bar, on the engine's own account
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise StateError(f"{path}: expected the status of a live run: {error}") from error


def _differing(ours: dict[str, Any], theirs: dict[str, Any], layers: tuple[str, ...]) -> list[str]:
    """Return what may not differ and does: configuration, code, then layers in their order."""
    inputs = [kind for kind in ("config", "code") if ours["inputs"][kind] != theirs["inputs"][kind]]
    a, b = ours["layers"], theirs["layers"]
    return [*inputs, *(layer for layer in layers if a.get(layer) != b.get(layer))]


def _times(folder: Path, after_ns: int) -> NDArray[np.int64]:
    times: NDArray[np.int64] = _columns(folder, "equity", ("ts",))["ts"]
    return times[times > after_ns]


def _execution(run: Path, reference: Path, after_ns: int) -> tuple[float, float, int]:
    """Return mean distance in bps by lots, per cent of lots of one side alone, and fills."""
    ours, count = _fills(run, after_ns)
    theirs, _ = _fills(reference, after_ns)
    worse = matched = single = 0.0
    for order in sorted(ours.keys() | theirs.keys()):
        lots, price = ours.get(order, (0, 0.0))
        expected, model = theirs.get(order, (0, 0.0))
        both = min(abs(lots), abs(expected)) if lots * expected > 0 else 0
        single += abs(lots) + abs(expected) - 2 * both
        matched += both
        if both and model > 0.0:
            side = 1.0 if lots > 0 else -1.0
            worse += both * side * (price - model) / model * 1e4
    everything = 2.0 * matched + single
    return (
        worse / matched if matched else 0.0,
        100.0 * single / everything if everything else 0.0,
        count,
    )


def _fills(folder: Path, after_ns: int) -> tuple[Fills, int]:
    """Return lots and mean price by order, and the number of fills."""
    columns = _columns(folder, "fills", ("ts", "order_id", "lots", "price"))
    rows = zip(*(columns[n].tolist() for n in ("ts", "order_id", "lots", "price")), strict=True)
    made: Fills = {}
    count = 0
    for ts_ns, order, lots, price in rows:
        if ts_ns <= after_ns or not lots:
            continue
        count += 1
        before, mean = made.get(order, (0, 0.0))
        both = before + lots
        made[order] = (both, (mean * before + price * lots) / both if both else 0.0)
    return made, count


def _outside(
    folder: Path, baseline: Baseline | None, spec: MonitorSpec, after_ns: int
) -> tuple[str, ...]:
    """Return the figures whose band or cumulative sum was left in the last window of days."""
    if baseline is None:
        return ()
    alerter = DivergenceAlerter(spec.threshold)
    alerter.establish_baseline(baseline)
    rows = read_days(folder).rows
    found: dict[str, None] = {}
    rows = rows[rows[:, AT["day"]] >= after_ns // DAY_NS]
    for k, row in enumerate(rows):
        deviations = alerter.check_day(tuple(row.tolist()))
        if k >= len(rows) - baseline.window_days:
            found |= {d.figure: None for d in deviations}
    return tuple(sorted(found))


def _columns(folder: Path, table: str, names: tuple[str, ...]) -> dict[str, Any]:
    path = folder / f"{table}.parquet"
    try:
        return dict(trade_columns(pq.read_table(path, columns=list(names))))
    except (OSError, pa.ArrowException, KeyError) as error:
        raise StateError(f"{path}: cannot be read as the table of a run: {error}") from error
