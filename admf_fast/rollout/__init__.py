"""From backtest over paper to live: stages, gates, splits, and the history of every step."""

from admf_fast.rollout.compare_runs import evidence_of_runs
from admf_fast.rollout.evidence import Digests, Evidence, Gate, check_gates
from admf_fast.rollout.history import Step
from admf_fast.rollout.migration import ProductionMigration, Status
from admf_fast.rollout.plan import GatesSpec, Plan, PlanContent, StageSpec, load_plan
from admf_fast.rollout.shadowed import evidence_of_journal
from admf_fast.rollout.split import OrderSplit, apportion, split_capital

__all__ = [
    "Digests",
    "Evidence",
    "Gate",
    "GatesSpec",
    "OrderSplit",
    "Plan",
    "PlanContent",
    "ProductionMigration",
    "StageSpec",
    "Status",
    "Step",
    "apportion",
    "check_gates",
    "evidence_of_journal",
    "evidence_of_runs",
    "load_plan",
    "split_capital",
]
