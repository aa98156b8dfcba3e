"""A shadow beside a live run: silent over every kind of input, and in time where it is not."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from admf_fast.consistency import Family
from admf_fast.errors import DivergenceError
from admf_fast.journal.messages import Command, Ended, Intent
from admf_fast.journal.reading import read_journal
from admf_fast.live.core import LiveCore
from admf_fast.live.service import serve
from admf_fast.live.shadowing import CoreShadow
from admf_fast.live.verifying import verify
from tests.kernels.strategies import quick
from tests.live.kit import bar_inputs, config_of, opened, setup_of, setups_of


@quick(6)
@given(st.integers(0, 200), st.dictionaries(
    st.integers(0, 299), st.sampled_from(("freeze", "flatten", "resume")), max_size=5,
))  # fmt: skip
def test_a_shadow_agrees_from_whichever_input_it_joins(cut, commands):
    core = LiveCore(setup_of(), lineage="L")
    shadow = None
    for k, bar in enumerate(bar_inputs(300, 3)):
        if k == cut:
            shadow = CoreShadow(core)
        inputs = [Command(action=commands[k], origin="command")] if k in commands else []
        for message in (*inputs, bar):
            applied = core.apply(message, k + 1)
            if shadow:
                shadow(message, applied)

    assert shadow is not None
    assert shadow.monitor.bars == 300 - cut
    assert not any(shadow.divergences.counts.values())
    assert shadow.core.save() == core.save()


def test_a_flipped_bit_stops_the_run_on_its_bar(tmp_path):
    """Before anything of that bar is sent: the answer is raised where it is made."""
    run = opened(tmp_path / "run", setups_of())
    shadow = CoreShadow(run.core, name="one")
    run.watch(shadow)
    bars = bar_inputs(200, 3)
    for bar in bars[:150]:
        run.take(bar)
    part = run.core.runner.program.parts[1]
    part.words[0] ^= 1

    with pytest.raises(DivergenceError, match=rf"'one' at bar 150 \(ts_ns {bars[150].ts_ns}\)"):
        run.take(bars[150])
    found = shadow.divergences.first(Family.LOGIC)
    assert found is not None
    assert found.layer in ("feature", "state")
    assert found.field.startswith(part.label)
    run.close()


def test_what_is_to_be_sent_is_compared_as_well():
    """O15: an intent that the shadow does not have is named, though all state is equal."""
    core = LiveCore(setup_of(), lineage="L")
    shadow = CoreShadow(core)
    bar = bar_inputs(1, 3)[0]
    applied = core.apply(bar, 1)
    more = Intent(client_id="X", action="submit", order_id=9, symbol="X", ts_ns=bar.ts_ns, lots=5)

    with pytest.raises(DivergenceError, match=r"in orders\.intents: expected \(\), found .*X"):
        shadow(bar, applied._replace(intents=(more,)))


def test_events_that_were_changed_on_their_way_are_named():
    core = LiveCore(setup_of(), lineage="L")
    shadow = CoreShadow(core)
    for k, bar in enumerate(bar_inputs(300, 3), 1):
        applied = core.apply(bar, k)
        if applied.events:
            break
        shadow(bar, applied)
    doubled = tuple(e for e in applied.events for _ in range(2))
    with pytest.raises(DivergenceError, match=r"\.rows: expected 1"):
        shadow(bar, applied._replace(events=doubled))


def test_a_process_runs_with_a_shadow_and_is_sealed_where_they_part(tmp_path, monkeypatch):
    from admf_fast.data import SynthSpec, write_synth

    write_synth(SynthSpec(bars=400, seed=2, symbol="X"), tmp_path / "bars.parquet")
    config = config_of("live: {shadow: true}\n")
    source = msgspec.structs.replace(config.source, base_dir=str(tmp_path))
    bars = msgspec.structs.replace(config.bars, stamp="open")
    config = msgspec.structs.replace(config, source=source, bars=bars)
    served = serve(config, "replay:", tmp_path / "run")
    assert (served.ending.status, served.bars) == ("ended", 400)
    assert verify(tmp_path / "run").identical

    honest = LiveCore.apply

    cores: list[LiveCore] = []

    def faulty(self, message, sequence):
        if self not in cores:
            cores.append(self)
        if self.bars == 250 and self is cores[0]:
            self.runner.program.parts[0].words[0] ^= 1
        return honest(self, message, sequence)

    monkeypatch.setattr(LiveCore, "apply", faulty)
    with pytest.raises(DivergenceError, match="at bar 250 "):
        serve(config, "replay:", tmp_path / "faulty")
    last = [m for _, m in read_journal(str(tmp_path / "faulty" / "journal"))][-1]
    assert isinstance(last, Ended)
    assert last.status == "diverged"
    assert "bar 250" in last.text
    monkeypatch.undo()
    found = verify(tmp_path / "faulty")
    assert found.divergence is not None
    assert found.divergence.bar == 250
