"""Live against its shadow, a record against the batch, one run against another: bit for bit."""

from admf_fast.consistency.comparing import Comparison, compare
from admf_fast.consistency.divergence import Divergence, DivergenceMonitor, Family
from admf_fast.consistency.executions import execution_divergence
from admf_fast.consistency.inputs import input_divergence, input_effect
from admf_fast.consistency.metrics import ConsistencyMonitor
from admf_fast.consistency.shadow import ShadowModeValidator
from admf_fast.consistency.verifying import Verification, verify_tables

__all__ = [
    "Comparison",
    "ConsistencyMonitor",
    "Divergence",
    "DivergenceMonitor",
    "Family",
    "ShadowModeValidator",
    "Verification",
    "compare",
    "execution_divergence",
    "input_divergence",
    "input_effect",
    "verify_tables",
]
