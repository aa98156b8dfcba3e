"""What stands between a kernel gone wrong and the process it runs in."""

import importlib
import sys
from typing import NamedTuple

import numpy as np
import pytest

from admf_kernels import (
    Account,
    Program,
    Stream,
    at,
    compute,
    indicator,
    lag,
    make_terms,
    snapshot,
    strategy,
)
from admf_kernels import window as window_of
from admf_kernels.compiler import closure
from admf_kernels.errors import KernelError
from admf_kernels.execution.terms import FIXED, SAME_CLOSE
from admf_kernels.indicators import sma

CLOSES = np.linspace(100.0, 140.0, 64)


def feed(program, closes):
    closes = np.asarray(closes, float)
    ts_ns = np.arange(1, len(closes) + 1) * 60_000_000_000
    return program.feed(ts_ns, closes, closes, closes, closes, np.ones(len(closes)))


@indicator(inputs={"value": "close"}, warmup_bars=1)
def sometimes_nothing(value):
    if value > 120.0:
        return 1.0
    return None


@strategy(features=lambda p: {"value": sometimes_nothing()})
def led_by_nothing(value):
    return value


def test_a_kernel_that_returns_nothing_stops_the_run():
    """Numba raises inside compiled code; nothing it left behind is taken for a result."""
    with pytest.raises(KernelError, match="one of its ways returns nothing"):
        feed(Program(led_by_nothing), CLOSES)
    with pytest.raises(KernelError, match="one of its ways returns nothing"):
        compute(sometimes_nothing(), CLOSES)
    stream = Stream(sometimes_nothing())
    for _ in range(2):
        with pytest.raises(KernelError, match="one of its ways returns nothing"):
            stream.update(100.0)


class Reach(NamedTuple):
    back: int = 200_000_000


@indicator(params=Reach, inputs={"values": window_of("x", 3), "x": "close"}, warmup_bars=3)
def far(c, values):
    return at(values, c.back)


def test_a_window_is_read_nowhere_else():
    assert np.isnan(compute(far(), CLOSES)).all()


def test_a_renewal_every_0_bars_is_refused():
    @indicator(inputs={"x": "close"}, warmup_bars=1, renew_bars=0)
    def never(x):
        return x

    with pytest.raises(KernelError, match="renew_bars must be 1 or more"):
        compute(never(), CLOSES)


def test_a_negative_lag_is_refused():
    @indicator(inputs={"x": "close", "next_x": lag("x", -1)}, warmup_bars=1)
    def ahead(x, next_x):
        return next_x

    with pytest.raises(KernelError, match="looks ahead"):
        compute(ahead(), CLOSES)


@strategy()
def short():
    return -1.0


def test_equity_that_is_not_finite_stops_the_run_on_its_bar():
    account = Account(fill=SAME_CLOSE, sizing=FIXED, sizing_value=1e6)

    with pytest.raises(KernelError, match=r"bar 1 .*the equity is not finite"):
        feed(Program(short, None, make_terms(account)), [1.0, 1e303])


@pytest.fixture
def helpers(tmp_path, monkeypatch):
    """Write a helper module and a kernel that uses it; returns the digest of the two."""
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(sys, "dont_write_bytecode", True)

    def digest(helper):
        (tmp_path / "user_helpers.py").write_text(helper)
        (tmp_path / "user_step.py").write_text(
            "import user_helpers as h\n\n\ndef step(x):\n    return h.scale(x) * h.K\n"
        )
        for name in ("user_helpers", "user_step"):
            sys.modules.pop(name, None)
        sys.path_importer_cache.clear()
        importlib.invalidate_caches()
        return closure.digest([importlib.import_module("user_step").step])

    return digest


def test_whatever_a_helper_module_gives_is_in_the_key(helpers):
    text = "K = {k}\n\ndef scale(x, f={f}):\n    return x * f\n"

    same = helpers(text.format(k=1.0, f=1.0))

    assert helpers(text.format(k=1.0, f=1.0)) == same
    assert helpers(text.format(k=7.0, f=1.0)) != same
    assert helpers(text.format(k=1.0, f=7.0)) != same


class Bars(NamedTuple):
    n: int = 3


def reader(name, back, warmup):
    def read(x, old):
        return x - old

    read.__name__ = name
    return indicator(params=Bars, inputs={"x": "close", "old": lag("x", back)}, warmup_bars=warmup)(
        read
    )


def test_a_changed_declaration_is_another_plan():
    """Same code, same parameters: what lag, warm-up and features came to is told apart."""

    def made(feature):
        def follow(value):
            return 1.0 if value > 0.0 else 0.0

        return Program(strategy(features=lambda p: {"value": feature})(follow))

    programs = [
        made(reader("read", "n", 4)()),
        made(reader("read", lambda p: p.n - 1, 4)()),
        made(reader("read", "n", 40)()),
        made(sma(3)),
        made(sma(4)),
    ]
    assert len({p.describe() for p in programs}) == len(programs)

    saved = snapshot.save(programs[0])
    with pytest.raises(KernelError, match="other parameters, another account or other code"):
        snapshot.restore(programs[2], saved)


class Zero(NamedTuple):
    value: float = 0.0


@indicator(params=Zero, inputs={"x": "close"}, warmup_bars=1)
def with_zero(c, x):
    return x + c.value


def test_minus_zero_is_zero():
    assert with_zero(-0.0) == with_zero(0.0)
    assert np.signbit(with_zero(-0.0).params.value) == np.signbit(0.0)
