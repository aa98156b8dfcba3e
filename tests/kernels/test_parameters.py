"""What a wrong parameter, kernel name or declaration is answered with."""

from typing import Annotated, NamedTuple

import pytest

from admf_kernels import (
    Between,
    KernelError,
    bundle,
    get,
    indicator,
    lag,
    names,
    strategy,
)
from admf_kernels.errors import ParameterError, UnknownKernelError
from admf_kernels.indicators import bollinger, donchian, macd, rolling_max, sma
from admf_kernels.strategies import rsi_reversion, sma_cross


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: sma(0), r"sma: period must be in \[1, 100000\], found 0"),
        (lambda: sma(100_001), r"sma: period must be in \[1, 100000\], found 100001"),
        (lambda: sma(2.5), r"sma: period must be a finite int, found 2\.5"),
        (lambda: sma(True), r"sma: period must be a finite int, found True"),
        (lambda: sma("20"), r"sma: period must be a finite int, found '20'"),
        (lambda: bollinger(20, float("nan")), r"bollinger: deviations must be a finite float"),
        (lambda: bollinger(20, float("inf")), r"bollinger: deviations must be a finite float"),
        (lambda: sma(perod=3), r"sma: no parameter 'perod'; did you mean 'period'\?"),
        (lambda: sma(zzz=3), r"sma: no parameter 'zzz' \(parameters: period\)"),
        (lambda: sma(3, period=3), r"sma: parameter 'period' is given twice"),
        (lambda: sma(3, 4), r"sma: expected at most 1 parameters, found 2"),
        (lambda: macd(26, 12), r"macd: expected fast < slow, found fast = 26, slow = 12"),
        (lambda: sma_cross.checked(30, 30), r"sma_cross: expected fast < slow"),
        (lambda: rsi_reversion.checked(14, 60.0), r"expected low < middle < high, found"),
        (lambda: rolling_max(0), r"rolling_max: period must be in \[1, 100000\], found 0"),
    ],
)
def test_parameter_errors(call, message):
    with pytest.raises(ParameterError, match=message):
        call()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: sma(3, of="clos"), "no column 'clos'"),
        (lambda: sma(3, of=bollinger()), r"has 3 outputs; name one: \.upper, \.middle, \.lower"),
        (lambda: sma(3, of=("open", "close")), r"expected 1 source\(s\) \(value\), found 2"),
        (lambda: sma(3, of=3), "expected a feature such as"),
    ],
)
def test_source_errors(call, message):
    with pytest.raises(KernelError, match=message):
        call()


@pytest.mark.parametrize("like", [True, 1.0, "1", [1]])
def test_what_is_kept_of_a_number_is_not_taken_for_what_equals_it(like):
    assert sma(1) is sma(1)
    with pytest.raises(ParameterError, match="sma: period must be a finite int"):
        sma(like)


def test_sources_in_a_list_are_those_in_a_tuple():
    assert sma(3, of=["open"]) == sma(3, of=("open",)) == sma(3, of="open")


class _Indicated(NamedTuple):
    indicator: float = 0.5


@indicator(params=_Indicated, inputs={"close": "close"}, warmup_bars=1)
def scaled(c: _Indicated, close: float) -> float:
    """The close times a parameter."""
    return close * c.indicator


def test_a_parameter_may_have_any_name():
    assert scaled(indicator=0.7).params == (0.7,)
    with pytest.raises(ParameterError, match="sma: no parameter 'indicator'"):
        sma(indicator=5)


def test_an_output_that_is_not_there():
    with pytest.raises(AttributeError, match="bollinger has no output 'top'"):
        _ = bollinger().top


def test_whole_numbers_are_welcome_where_a_float_is_meant():
    assert bollinger(20, 2) == bollinger(20, 2.0)
    assert isinstance(bollinger(20, 2).params.deviations, float)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("smaa", r"no kernel is named 'smaa'; did you mean 'sma'\?"),
        ("qqqqq", "own kernels are named module:name"),
        ("no_such_module:x", "cannot import 'no_such_module'"),
        ("math:pi", "expected a kernel made by @indicator or @strategy, found float"),
        ("math:nothing", "found no such name; 'math' was loaded from "),
    ],
)
def test_unknown_kernels(name, message):
    with pytest.raises(UnknownKernelError, match=message):
        get(name)


@pytest.mark.parametrize("name", names())
def test_a_kernel_is_found_by_the_name_it_reports(name):
    assert get(get(name).reference) is get(name)


def test_names_are_sorted_and_complete():
    from admf_kernels import indicators, strategies

    assert names() == sorted([*indicators.__all__, *strategies.__all__])


class State(NamedTuple):
    value: float = 0.0


class Texts(NamedTuple):
    name: str = ""


class Needs(NamedTuple):
    period: Annotated[int, Between(1, 9)]


@pytest.mark.parametrize(
    ("declare", "message"),
    [
        (
            indicator(inputs={"x": "close"}, warmup_bars=1),
            "argument 'unknown' is bound to nothing",
        ),
        (strategy(), "argument 'unknown' is bound to nothing"),
    ],
)
def test_an_argument_must_be_bound(declare, message):
    def step(unknown: float) -> float:
        return unknown

    with pytest.raises(KernelError, match=message):
        declare(step)


def test_a_state_must_be_used():
    def step(x: float) -> float:
        return x

    with pytest.raises(KernelError, match="declares a state but takes no argument 's'"):
        indicator(inputs={"x": "close"}, warmup_bars=1, state=State)(step)


def test_parameters_are_numbers():
    def step(x: float) -> float:
        return x

    with pytest.raises(KernelError, match=r"Texts\.name: expected float, int or bool"):
        indicator(inputs={"x": "close"}, warmup_bars=1, params=Texts)(step)


def test_a_feature_cannot_take_the_name_of_a_column():
    def step(close: float) -> float:
        return 0.0

    with pytest.raises(KernelError, match="a feature cannot be named 'close'"):
        strategy(features=lambda p: {"close": sma(3)})(step)


def test_a_missing_parameter_is_named():
    def step(x: float) -> float:
        return x

    made = indicator(inputs={"x": "close", "y": lag("x", 1)}, warmup_bars=2, params=Needs)(step)

    with pytest.raises(ParameterError, match="parameter period is missing"):
        made()
    assert made(3).params == Needs(3)


def test_a_bundle_returns_a_feature_with_its_outputs():
    made = donchian(5)

    assert made.indicator.outputs == donchian.outputs == ("upper", "middle", "lower")
    assert made.upper != made.lower

    @bundle(inputs={"value": "close"}, outputs=("first", "second"))
    def wrong(p, value):
        return sma(3, of=value)

    with pytest.raises(KernelError, match="wrong: expected a feature with outputs"):
        wrong()
