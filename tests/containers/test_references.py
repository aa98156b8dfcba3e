"""What two containers share is found, wherever it is hidden."""

import gc
import weakref

import numpy as np
import pytest

from admf_fast.containers import EventRecorder, LiveContainer, ShadowContainer, external_references
from admf_fast.feeds.as_events import events_of_bars
from tests.containers.kit import block, config_of


def two():
    config = config_of("bracket")
    made = [LiveContainer(config, container_id=name) for name in ("a", "b")]
    for container in made:
        container.initialize()
    return made


def plant_list(a, b):
    b.notes = a.notes = ["shared"]


def plant_setup(a, b):
    b._setup = a._setup


def plant_array(a, b):
    b.runner.program.state = a.runner.program.state


def plant_view(a, b):
    """Two arrays over the same words; neither is reached from the other container."""
    words = np.frombuffer(bytearray(80), np.int64)
    a.scratch, b.scratch = words[:6].copy(), None
    a.scratch = np.ndarray(6, np.int64, buffer=words.data, offset=0)
    b.scratch = np.ndarray(6, np.int64, buffer=words.data, offset=32)


def plant_closure(a, b):
    kept = {}

    def remember_a(value):
        kept["a"] = value

    def remember_b(value):
        kept["b"] = value

    a.hook, b.hook = remember_a, remember_b


def plant_deep(a, b):
    shared = bytearray(b"x")
    a.deep = ({"k": [(1, {"inner": shared})]},)
    b.deep = memoryview(shared)


def plant_in_object(a, b):
    class Slotted:
        __slots__ = ("held",)

    shared = {}
    a.thing, b.thing = Slotted(), Slotted()
    a.thing.held = b.thing.held = shared


def plant_bus(a, b):
    b.event_bus = a.event_bus


def plant_container(a, b):
    a.other = b


PLANTS = [
    plant_list, plant_setup, plant_array, plant_view, plant_closure, plant_deep, plant_in_object,
    plant_bus, plant_container,
]  # fmt: skip


@pytest.mark.parametrize("plant", PLANTS, ids=lambda p: p.__name__)
def test_what_is_planted_is_found(plant):
    a, b = two()
    assert a.get_external_references() == b.get_external_references() == []
    plant(a, b)

    found = [a.get_external_references(), b.get_external_references()]
    assert found[0]
    assert {r.other for r in found[0]} == {"b"}
    # What a holds of b, b need not know of; but it is told that a reaches it.
    assert {r.other for r in found[1]} == {"a"}


def test_a_reference_says_how_to_get_there():
    a, b = two()
    a.deep = b.deep = {"k": [1, {"x": bytearray(3)}]}

    kinds = {(r.path, r.kind) for r in a.get_external_references()}
    assert (".deep['k'][1]['x']", "bytearray") in kinds


def test_shared_configurations_and_one_recorder_are_no_references():
    """A configuration cannot change, and a subscriber stands outside."""
    recorder = EventRecorder()
    a, b = two()
    assert a.config is b.config
    for container in (a, b):
        container.event_bus.subscribe_all(recorder.record)
        for event in events_of_bars([block(60)], "X"):
            container.process_event(event)

    assert external_references([a, b]) == [[], []]


def test_a_shadow_shares_nothing_with_what_it_was_made_of():
    a, _ = two()
    events = list(events_of_bars([block(120)], "X"))
    for event in events[:60]:
        a.process_event(event)
    shadow = ShadowContainer.beside(a)
    assert external_references([a, shadow]) == [[], []]
    for event in events[60:]:
        a.process_event(event)
        shadow.process_event(event)

    assert shadow.get_state() == a.get_state()
    assert external_references([a, shadow]) == [[], []]


def test_containers_that_are_gone_are_not_asked():
    a, b = two()
    b.notes = a.notes = []
    del b

    assert a.get_external_references() == []


def test_what_is_gone_but_still_pointed_at_is_passed_over():
    """The collector also knows of weak proxies, which cannot be asked for their class."""
    gone = LiveContainer(config_of("bracket"), container_id="gone")
    kept = [weakref.proxy(gone)]
    del gone
    gc.collect()

    assert [c.get_external_references() for c in two()] == [[], []]
    assert len(kept) == 1
