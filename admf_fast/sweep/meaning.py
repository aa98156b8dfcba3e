"""What stored signals were made by: everything besides the bars that decides a strategy's wish."""

import hashlib
import json
from collections.abc import Sequence
from typing import Any

from admf_fast import __version__
from admf_fast.config import contents
from admf_fast.errors import ConfigError
from admf_fast.runners.setup import Setup
from admf_fast.sweep.variants import Variants
from admf_kernels import drivers
from admf_kernels.contract import ACCOUNT_ARGUMENTS, Source, Strategy
from admf_kernels.plan import Plan

STRATEGY = "strategy"


def is_strategy_key(key: str) -> bool:
    """Whether a swept key decides what the strategy wants."""
    return key.partition(".")[0] == STRATEGY


def require_replayable(strategy: Strategy) -> None:
    """Refuse a strategy whose signals are not its own alone; ConfigError."""
    read = [name for name in ACCOUNT_ARGUMENTS if name in strategy.arguments]
    if not read and not strategy.orders:
        return
    reason = f"reads {', '.join(read)}" if read else "makes orders of its own"
    raise ConfigError(
        f"strategy: {strategy.name} {reason}: what it wants depends on exits, sizes and costs, "
        "so its signals cannot be stored for others; sweep it as it is"
    )


def meaning_of(variants: Variants, sets: Sequence[Sequence[Any]]) -> dict[str, Any]:
    """Return digests of the configuration and the code that these sets of a strategy come from.

    `sets` are values of the strategy's own keys, in the order of ``variants``.
    """
    base = variants.base
    data = contents(variants.config)
    swept = {key for key in variants.keys if is_strategy_key(key)}
    config = {
        "strategy": _without(data["strategy"], STRATEGY, swept),
        "features": data.get("features", []),
        "clock": base.clock.digest if base.clock else "",
        "actions": base.actions.digest if base.actions else "",
    }
    text = json.dumps(config, sort_keys=True, default=str)
    return {
        "config": hashlib.sha256(text.encode()).hexdigest(),
        "code": _code(variants, sets),
        "inputs_ready_bars": ready_bars(base, {**base.inputs}),
        "version": __version__,
    }


def _without(data: Any, place: str, swept: set[str]) -> Any:
    """Return a section without the keys that are swept: those are in the sets."""
    if not isinstance(data, dict):
        return data
    return {
        name: _without(value, f"{place}.{name}", swept)
        for name, value in data.items()
        if f"{place}.{name}" not in swept
    }


def _code(variants: Variants, sets: Sequence[Sequence[Any]]) -> str:
    """Return the sha256 of the code of all strategies, and of the indicators they read."""
    found: dict[str, str] = {}
    for values in sets:
        variant = variants.at(values)
        if variant.setup is not None and variant.setup.strategy.reference not in found:
            strategy = variant.setup.strategy
            adjusted = variant.setup.actions is not None
            reads = strategy.columns_for(variant.params, adjusted=adjusted)
            plan = Plan(reads.values(), adjusted=adjusted)
            functions = [strategy.step, strategy.prepare]
            code = drivers.code_digest(None, plan.indicators, functions)
            found[strategy.reference] = f"{code} {[*reads]} {plan.describe()}"
    return hashlib.sha256(json.dumps(found, sort_keys=True).encode()).hexdigest()


def ready_bars(setup: Setup, reads: dict[str, Source]) -> int:
    """Return on which bar, counted from 1, the last of some columns has its first value."""
    plan = Plan(reads.values(), adjusted=setup.actions is not None)
    return max((plan.ready_bars(source) for source in reads.values()), default=1)
