"""Containers: one strategy instance each, isolated, on one protocol in every mode."""

from admf_fast.containers.chance import CounterRng, Rng, RngState
from admf_fast.containers.container import Container, State
from admf_fast.containers.create import (
    config_from,
    create_backtest_container,
    create_live_container,
    create_paper_container,
    create_shadow_container,
    run_backtest,
    run_simulated_live,
)
from admf_fast.containers.engine import DeterministicEngine, EngineState
from admf_fast.containers.kinds import (
    BacktestContainer,
    LiveContainer,
    PaperContainer,
    ShadowContainer,
    Venue,
)
from admf_fast.containers.recorder import EventRecorder, SequenceBreak
from admf_fast.containers.references import Reference, external_references

__all__ = [
    "BacktestContainer",
    "Container",
    "CounterRng",
    "DeterministicEngine",
    "EngineState",
    "EventRecorder",
    "LiveContainer",
    "PaperContainer",
    "Reference",
    "Rng",
    "RngState",
    "SequenceBreak",
    "ShadowContainer",
    "State",
    "Venue",
    "config_from",
    "create_backtest_container",
    "create_live_container",
    "create_paper_container",
    "create_shadow_container",
    "external_references",
    "run_backtest",
    "run_simulated_live",
]
