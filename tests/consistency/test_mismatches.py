"""Each fault that parts research from production is found on its bar, by its name."""

import json

import pytest

from admf_fast.consistency import ShadowModeValidator, demo
from admf_fast.consistency.demo import FAULTS, Fault, Scene, _shown
from admf_fast.consistency.sabotage import PlainSide, engine_copy
from admf_fast.consistency.shadow import RunnerSide
from admf_kernels.plain import PlainProgram


@pytest.fixture(scope="module")
def scene() -> Scene:
    return Scene()


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_is_found_on_its_bar_and_named(scene, name):
    shown = _shown(name, FAULTS[name], scene)

    assert shown.divergence is not None
    assert shown.divergence.ts_ns == shown.injected_ns
    assert f"{shown.divergence.layer}.{shown.divergence.field}" in FAULTS[name].layers
    assert shown.divergence.expected != shown.divergence.found
    assert shown.right
    json.dumps(shown.to_json(), allow_nan=False)


@pytest.mark.parametrize("plain", [False, True])
def test_without_a_fault_nothing_is_found(scene, plain):
    """Neither by the compiled engine nor by the plain copy that faults are put into."""
    make = (lambda s: PlainSide(s.setup, {})) if plain else (lambda s: RunnerSide(s.runner()))
    shown = _shown("none", Fault(make, lambda s: -1, (), features=True), scene)

    assert shown.right
    assert shown.divergence is None
    assert shown.metrics["state_checksum_mismatches"] == 0
    assert shown.metrics["bars"] == len(scene.bars)


def test_what_is_found_elsewhere_is_not_right(scene):
    """The demonstration can fail: another bar, another layer, no fault at all."""
    name = "one dropped order"
    fault = FAULTS[name]
    assert not _shown(name, fault._replace(layers=("fills.rows",)), scene).right
    late = fault._replace(injected_ns=lambda s: s.bars[demo.CUT - 1][0])
    assert not _shown(name, late, scene).right
    honest = fault._replace(live=lambda s: RunnerSide(s.runner()))
    assert not _shown(name, honest, scene).right


def test_a_copy_of_the_engine_leaves_the_engine_alone(scene):
    def broken(*_):
        raise AssertionError("the engine itself was changed")

    engine_copy({"quote": broken, "place_exits": broken, "decide": broken})
    program = PlainProgram(
        scene.setup.strategy, scene.setup.params, scene.setup.terms, clock=scene.setup.clock
    )
    for bar in scene.bars[:120]:
        program.step(*bar)
    assert program.records["ledger"].fills > 0


def test_a_fault_that_changes_no_state_yet_is_found_by_its_feature(scene):
    """With the state alone it is found where it first acts: the difference that `features` make."""
    fault = FAULTS["UTC instead of exchange time"]
    early = _shown("early", fault, scene).divergence
    validator = ShadowModeValidator(fault.live(scene), scene.shadow(fault))
    for bar in scene.bars:
        validator.step(*bar)
    late = validator.divergence

    assert early is not None
    assert late is not None
    assert early.bar == 0 < late.bar
    assert late.layer == "feature"
    assert late.field == "minutes_left"
