"""Containers: one strategy instance each, isolated, on one protocol in every mode."""

from admf_fast.containers.container import Container, State
from admf_fast.containers.kinds import BacktestContainer, LiveContainer

__all__ = ["BacktestContainer", "Container", "LiveContainer", "State"]
