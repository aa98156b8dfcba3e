"""Everything a kernel declares, as plain data."""

from __future__ import annotations

from typing import Any

from admf_kernels.codegen import run, scan
from admf_kernels.codegen.engine import Form
from admf_kernels.contract import (
    ADJUSTMENT,
    BAR_COLUMNS,
    CLOCK_COLUMNS,
    Composite,
    Indicator,
    Kernel,
    Lag,
    Output,
    Strategy,
    WindowOf,
    resolve_bars,
)
from admf_kernels.errors import ParameterError
from admf_kernels.execution.uses import make_terms
from admf_kernels.layout import fields_of
from admf_kernels.parameters import defaults_of, range_of
from admf_kernels.plan import Plan

ACCOUNT = {
    "position": "signed quantity held, in units",
    "cash": "cash, in account currency",
    "equity": "equity at this close, in account currency",
    "entry_price": "price of the fill that opened the position; 0 when flat",
}


def facts_of(kernel: Kernel) -> dict[str, Any]:
    """Return name, kind, docs, parameters, inputs, outputs and warm-up of a kernel."""
    return {
        "name": kernel.reference,
        "kind": "strategy" if isinstance(kernel, Strategy) else "indicator",
        "summary": kernel.summary,
        "doc": kernel.doc,
        "params": _params(kernel),
        "rules": [rule.text for rule in kernel.rules],
        "inputs": _inputs(kernel),
        "outputs": list(
            getattr(kernel, "outputs", ("orders",) if getattr(kernel, "orders", 0) else ("signal",))
        ),
        "warmup_bars": _warmup_bars(kernel),
    }


def driver_source(kernel: Kernel) -> str | None:
    """Return the source of the driver generated for a kernel; None where there is none."""
    if isinstance(kernel, Indicator):
        return scan.source(kernel, hashed=True)
    if isinstance(kernel, Strategy):
        form = Form(make_terms(requests=kernel.orders).uses)
        return run.source(kernel, tuple(_columns(kernel)), form)
    return None


def _params(kernel: Kernel) -> list[dict[str, Any]]:
    defaults = defaults_of(kernel.params)
    found = []
    for field in fields_of(kernel.params):
        limits = range_of(field)
        low, high = (limits.low, limits.high) if limits else (None, None)
        found.append(
            {
                "name": field.name,
                "kind": field.kind,
                "default": defaults.get(field.name),
                "low": low,
                "high": high,
            }
        )
    return found


def _inputs(kernel: Kernel) -> list[dict[str, str]]:
    if isinstance(kernel, Strategy):
        features = _features(kernel) or {}
        read = {name: output.label for name, output in features.items()}
        read |= {a: "the bar" for a in kernel.arguments if a in BAR_COLUMNS}
        read |= {a: "the clock" for a in kernel.arguments if a in CLOCK_COLUMNS}
        read |= {a: "adjusted over traded price" for a in kernel.arguments if a == ADJUSTMENT}
        read |= {a: ACCOUNT[a] for a in kernel.arguments if a in ACCOUNT}
    else:
        assert isinstance(kernel, Indicator | Composite)
        params = _defaults(kernel)
        read = {name: _input(declared, params) for name, declared in kernel.inputs.items()}
    return [{"name": name, "reads": text} for name, text in read.items()]


def _input(declared: Any, params: Any) -> str:
    if not isinstance(declared, Lag | WindowOf):
        return str(declared)
    # A parameter by its name; what is computed from several, at their defaults.
    bars: int | str = "some"
    if isinstance(declared.bars, int | str):
        bars = declared.bars
    elif params is not None:
        bars = resolve_bars(declared.bars, params)
    if isinstance(declared, Lag):
        return f"{declared.of}, {bars} bar{'s' if bars != 1 else ''} earlier"
    return f"the last {bars} values of {declared.of}"


def _defaults(kernel: Kernel) -> Any:
    """Return the parameters at their defaults; None when one has none."""
    try:
        return kernel.checked()
    except ParameterError:
        return None


def _features(kernel: Strategy) -> dict[str, Output] | None:
    params = _defaults(kernel)
    return None if params is None else kernel.outputs_for(params)


def _columns(kernel: Strategy) -> dict[str, Any]:
    params = _defaults(kernel)
    return {} if params is None else kernel.columns_for(params)


def _warmup_bars(kernel: Kernel) -> int | None:
    """Return on which bar, counted from 1, the first valid value or signal comes."""
    if _defaults(kernel) is None:
        return None
    if isinstance(kernel, Strategy):
        outputs = list((_features(kernel) or {}).values())
    else:
        assert isinstance(kernel, Indicator | Composite)
        made = kernel()
        outputs = [made if isinstance(made, Output) else Output(made, 0)]
    plan = Plan(outputs)
    return max((plan.ready_bars(output) for output in outputs), default=1)
