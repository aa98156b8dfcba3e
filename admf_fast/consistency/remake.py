"""A stored run made again by the historical runner, from its manifest and its bars."""

from pathlib import Path

from admf_fast.data import blocks_of_some
from admf_fast.errors import StateError
from admf_fast.explain import StoredRun
from admf_fast.explain.panel_rerun import find_panel
from admf_fast.explain.rerun import find
from admf_fast.runners.historical import Progress, run_historical
from admf_fast.runners.panel_data import open_panel
from admf_fast.runners.panel_runner import run_panel
from admf_fast.runners.panel_setup import PanelSetup
from admf_fast.runners.recorder import NoSink, Sink
from admf_fast.runners.result import RunResult
from admf_fast.runners.setup import Setup


class Remake:
    """Bars and kernels of a stored run, found and checked once, run as often as needed.

    Raises
    ------
    StateError
        The bars were not found, or the code is not that of the run.
    DataError
        The bars in `base` are not those of the run.
    """

    def __init__(self, run: StoredRun, base: Path | None = None) -> None:
        self.run = run
        self.setup: Setup | PanelSetup
        if run.config.instruments:
            panel = find_panel(run, base)
            if panel is None:
                raise _not_found(run)
            self.setup = panel
            return
        found = find(run, base)
        if found is None:
            raise _not_found(run)
        self.setup, self._source = found

    def __call__(self, sink: Sink | None = None, progress: Progress | None = None) -> RunResult:
        """Run all bars; tables go to `sink`, or nowhere."""
        sink = sink or NoSink()
        if isinstance(self.setup, PanelSetup):
            panels = open_panel(self.setup.config).blocks()
            return run_panel(self.setup, panels, sink=sink, progress=progress)
        blocks = blocks_of_some(self._source)
        return run_historical(self.setup, blocks, sink=sink, progress=progress)


def _not_found(run: StoredRun) -> StateError:
    if not (run.config.instruments or run.config.bars.path):
        return StateError(
            f"{run.folder}: made of bars in memory or from a stream, which are not kept: there is "
            "nothing to make it again from; admf live keeps a journal"
        )
    return StateError(
        f"{run.folder}: its bars were not found; name the folder that its paths start at (--base)"
    )
