"""All checks of one configuration, on its bars."""

from collections.abc import Callable, Iterator, Mapping
from typing import cast

from admf_fast.checks.degenerate import degenerate
from admf_fast.checks.determinism import determinism, proven
from admf_fast.checks.findings import Finding, Report
from admf_fast.checks.look_ahead import AsOf, as_of_file, config_folder, look_ahead, source_ahead
from admf_fast.checks.warm_up import warm_up
from admf_fast.config import Config
from admf_fast.data import BarBlock, blocks_of_some, concat_blocks, concat_panels, open_bars
from admf_fast.parity import Proof
from admf_fast.parity.proving import prove_panel
from admf_fast.runners.panel_data import open_panel
from admf_fast.runners.panel_setup import prepare_panel
from admf_fast.runners.setup import Setup, prepare

Begun = Callable[[str], None]
LOOK_AHEAD, WARM_UP, DETERMINISM, DEGENERATE = "look-ahead", "warm-up", "determinism", "degenerate"
CHECKS = (LOOK_AHEAD, WARM_UP, DETERMINISM, DEGENERATE)


def check(
    config: Config,
    data: object | None = None,
    *,
    as_of: AsOf | None = None,
    begun: Begun | None = None,
) -> Report:
    """Look at a configuration before it goes into production.

    Parameters
    ----------
    config : Config
    data : optional
        Bars as an Arrow object instead of ``bars.path``.
    as_of : function of int, optional
        Gives the bars (BarBlocks) that a source of your own knew at a moment (UTC
        nanoseconds); that of the file in ``bars.path`` if left out.
    begun : function of str, optional
        Called with the name of every check before it.

    Raises
    ------
    ConfigError, DataError
        For what cannot be run at all.
    """
    if config.instruments:
        return _check_panel(config, data, begun)
    setup = prepare(config)
    source = open_bars(config.bars, data, base_dir=config_folder(config))
    bars = concat_blocks(list(blocks_of_some(source)))
    known = as_of or (as_of_file(config) if data is None else None)
    return check_bars(setup, bars, as_of=known, begun=begun)


def check_bars(
    setup: Setup, bars: BarBlock, *, as_of: AsOf | None = None, begun: Begun | None = None
) -> Report:
    """Check prepared kernels on bars in memory; see `check`."""
    parts: dict[str, Callable[[], Iterator[Finding]]] = {
        LOOK_AHEAD: lambda: _look_ahead(setup, bars, as_of),
        WARM_UP: lambda: warm_up(setup, bars),
        DETERMINISM: lambda: determinism(setup, bars),
        DEGENERATE: lambda: degenerate(setup, bars),
    }
    findings: list[Finding] = []
    for name, part in parts.items():
        if begun:
            begun(name)
        findings += part()
    return Report(setup.config.name, len(bars), tuple(findings))


def _look_ahead(setup: Setup, bars: BarBlock, as_of: AsOf | None) -> Iterator[Finding]:
    yield from look_ahead(setup, bars)
    if as_of is None:
        text = "bars in memory: whether they knew their future cannot be asked"
        yield Finding(LOOK_AHEAD, "source", "note", text)
    else:
        yield from source_ahead(bars, as_of)


def _check_panel(config: Config, data: object | None, begun: Begun | None) -> Report:
    """Check several instruments: every way of running, moment by moment among them."""
    if begun:
        begun(DETERMINISM)
    symbols = cast("Mapping[str, object] | None", data)
    panel = concat_panels(list(open_panel(config, symbols).blocks()))
    proof = prove_panel(prepare_panel(config), panel)
    findings = [*_moment_by_moment(proof), *proven(proof, "moments")]
    text = "is not looked at for several instruments; check each of them alone"
    findings += [Finding(name, "run", "note", text) for name in (WARM_UP, DEGENERATE)]
    return Report(config.name, proof.bars, tuple(findings), "moments")


def _moment_by_moment(proof: Proof) -> Iterator[Finding]:
    """Yield what running moment by moment says: nothing later was in memory then."""
    run = next(run for run in proof.runs if run.name.startswith("live"))
    if run.identical:
        text = f"no result uses a later moment, on any of {run.bars:,} moments"
        yield Finding(LOOK_AHEAD, "kernels", "ok", text)
    else:
        text = "results differ when later moments are not there; see determinism for the first"
        yield Finding(LOOK_AHEAD, "kernels", "failed", text)
