"""Which sets a section means: values, conditions, samples, sizes."""

import time
from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import UNSET

from admf_fast.errors import ConfigError
from admf_fast.sweep.conditions import condition
from admf_fast.sweep.declared import space_of
from admf_fast.sweep.run import run_sweep
from admf_fast.sweep.space import Axis, Space
from admf_fast.sweep.values import values_of
from tests.sweep.kit import config_of


def listed(text):
    found = values_of(text)
    return [found.at(k) for k in range(found.count)]


def sets_of(text, **more):
    return space_of(config_of(text, **more)).sets()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("range(10, 50, 10)", [10, 20, 30, 40, 50]),
        ("range(1, 3)", [1, 2, 3]),
        ("range(5, 1, -2)", [5, 3, 1]),
        ("range(0.1, 0.3, 0.1)", [0.1, 0.2, 0.3]),
        ("range(7, 7)", [7]),
        ("linspace(0, 1, 5)", [0, 0.25, 0.5, 0.75, 1]),
        ("linspace(3, 9, 1)", [3]),
        ("logspace(1, 100, 3)", [1, 10.0, 100]),
        ([1, "a", {"percent": 2}], [1, "a", {"percent": 2}]),
        (4, [4]),
    ],
)
def test_values_as_they_are_written(text, expected):
    found = listed(text)

    assert found == pytest.approx(expected) if "log" in str(text) else found == expected
    assert [type(v) for v in found if not isinstance(v, float)] == [
        type(v) for v in expected if not isinstance(v, float)
    ]


@given(st.data(), st.integers(1, 4))
def test_combinations_without_conditions_come_as_those_with_some(data, count):
    axes = [
        Axis(
            f"key{k}",
            f"n{k}",
            values_of(data.draw(st.lists(st.integers(), min_size=1, max_size=4))),
        )
        for k in range(count)
    ]
    places = data.draw(st.permutations(range(count)))
    cut = data.draw(st.integers(1, count))
    groups = [tuple(places[:cut]), *((k,) for k in places[cut:])]
    alike = axes[groups[0][0]].values
    axes = [a if k not in groups[0] else replace(a, values=alike) for k, a in enumerate(axes)]
    space = Space(tuple(axes), tuple(groups), (), None, 1000)
    conditional = replace(space, axes=(*axes[:-1], replace(axes[-1], when=lambda values: True)))

    assert [*space._combinations()] == [*conditional._combinations()]
    assert len([*space._combinations()]) == space.candidates


@given(st.integers(-1000, 1000), st.integers(0, 300), st.integers(1, 9), st.integers(0, 3))
def test_a_range_holds_every_step_up_to_its_end(first, steps, step, digits):
    scale = Decimal(10) ** -digits
    start, by, last = (v * scale for v in (first, step, first + steps * step))

    found = listed(f"range({start}, {last + by / 2}, {by})")

    assert found == [float(start + k * by) for k in range(steps + 1)]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("range(1, 9, 0)", "step that leads from first to last"),
        ("range(1)", "range(first, last, step)"),
        ("linspace(1, 2, 2.5)", "whole count"),
        ("logspace(0, 2, 3)", "above 0"),
        ("uniform(2, 1)", "low < high"),
        ("open('x')", "expected"),
        ("range(a, 2)", "expected numbers"),
        ("__import__('os')", "expected"),
        ([], "empty list"),
    ],
)
def test_values_that_mean_nothing_are_refused(text, said):
    with pytest.raises(ValueError, match=r"(?s).*") as caught:
        values_of(text)
    assert said in str(caught.value)


NAMES = {"a": 0, "b": 1, "c": 2}
terms = st.recursive(
    st.sampled_from(("a", "b", "c", "1", "2.5", "7")),
    lambda inner: st.tuples(inner, st.sampled_from("+-*"), inner).map(lambda t: f"({' '.join(t)})"),
    max_leaves=5,
)
tests = st.recursive(
    st.tuples(terms, st.sampled_from(("<", "<=", ">", ">=", "==", "!=")), terms).map(" ".join),
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from(("and", "or")), inner).map(lambda t: f"({' '.join(t)})"),
        inner.map(lambda t: f"(not {t})"),
    ),
    max_leaves=4,
)


@given(tests, st.tuples(*[st.integers(-9, 9)] * 3))
def test_conditions_mean_what_they_say(text, values):
    holds = condition(text, lambda name: lambda given: given[NAMES[name]])

    assert holds(values) == eval(text, {}, dict(zip(NAMES, values, strict=True)))


def test_the_last_key_moves_fastest_and_conditions_leave_sets_out():
    found = sets_of(
        "sweep: {grid: {strategy.params.fast: [5, 20], strategy.params.slow: [10, 30]}, "
        "where: fast < slow}"
    )

    assert found == [(5, 10), (5, 30), (20, 30)]


def test_a_condition_may_name_what_is_configured():
    found = sets_of("sweep: {grid: {strategy.params.fast: [40, 60]}, where: fast < slow}")

    assert found == [(40,)]


def test_keys_of_a_group_go_together():
    found = sets_of(
        "sweep: {grid: {costs.fee_bps: [0, 1]}, zip: [{strategy.params.fast: [2, 3], "
        "strategy.params.slow: [4, 9]}]}"
    )

    assert found == [(0, 2, 4), (0, 3, 9), (1, 2, 4), (1, 3, 9)]


def test_sections_inside_sections_are_longer_keys():
    nested = sets_of("sweep: {grid: {strategy: {params: {fast: [2, 3]}}}}")

    assert nested == sets_of("sweep: {grid: {strategy.params.fast: [2, 3]}}")


def test_a_key_that_is_not_in_force_takes_one_place():
    text = (
        "sweep: {grid: {strategy.params.fast: [5, 40], exits.stop_loss.percent: "
        "{values: [1, 2, 3], when: fast < 20}}}"
    )
    assert sets_of(text) == [(5, 1), (5, 2), (5, 3), (40, UNSET)]
    assert sets_of(text.replace("fast < 20", "fast < 20, otherwise: 9"))[-1] == (40, 9)


@pytest.mark.parametrize("method", ["random", "latin_hypercube", "sobol"])
def test_a_sample_is_the_same_every_time_and_inside_its_ends(method):
    text = (
        "sweep: {grid: {strategy.params.fast: 'range(2, 40)', costs.fee_bps: 'uniform(0, 5)'}, "
        f"sample: {{method: {method}, sets: 16, seed: 3}}}}"
    )
    found = sets_of(text)

    assert found == sets_of(text)
    assert found != sets_of(text.replace("seed: 3", "seed: 4"))
    assert all(2 <= fast <= 40 and 0 <= fee < 5 for fast, fee in found)
    if method != "random":  # every sixteenth of a stretch is drawn from once
        assert sorted(int(fee * 16 / 5) for _, fee in found) == list(range(16))


def test_n10_an_absurd_size_is_refused_before_anything_runs(tmp_path):
    text = "sweep: {grid: {" + ", ".join(
        f"{key}: 'range(1, 1000000)'"
        for key in ("strategy.params.fast", "strategy.params.slow", "costs.fee_fixed")
    )
    started = time.perf_counter()
    with pytest.raises(ConfigError) as caught:
        run_sweep(config_of(text + "}}"), tmp_path / "x.parquet")

    message = str(caught.value)
    assert "1,000,000,000,000,000,000 sets" in message
    assert "years" in message
    assert "GB" in message
    assert "sweep.sample" in message
    assert time.perf_counter() - started < 5.0
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("section", "said"),
    [
        ("{grid: {strategy.params.fast: [1], nonsense.x: [1]}}", "nonsense.x"),
        ("{grid: {bars.path: [a]}}", "sweep.data"),
        ("{grid: {}}", "found none"),
        ("{grid: {strategy.params.fast: [1]}, zip: [{strategy.params.fast: [2]}]}", "once"),
        ("{grid: {strategy.params.fast: {values: [1], wen: a}}}", "wen"),
        ("{grid: {strategy.params.fast: [1], strategy.params.slow: [2]}, where: fats < slow}",
         "did you mean fast"),
        ("{zip: [{strategy.params.fast: [1], strategy.params.slow: [2, 3]}]}", "as many values"),
        ("{grid: {costs.fee_bps: 'uniform(0, 1)'}}", "sweep.sample"),
        ("{grid: {strategy.params.fast: [5]}, where: fast > 9}", "no set meets"),
        ("{grid: {strategy.params.fast: 'range(1, 5'}}", "examples/x.yaml:6"),
    ],
)  # fmt: skip
def test_a_wrong_section_is_refused_with_its_place(section, said):
    with pytest.raises(ConfigError) as caught:
        sets_of(f"sweep: {section}\n")
    assert said in str(caught.value)


def test_a_key_that_cannot_be_written_is_an_error_of_its_rows(tmp_path):
    config = config_of("sweep: {grid: {exits.stop_los.percent: [1]}}")
    with pytest.raises(ConfigError, match=r"no set can be run: .*exits"):
        run_sweep(config, tmp_path / "x.parquet")
