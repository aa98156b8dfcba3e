"""Why a trade was made and what came of it: the chain from a bar to a result, with all numbers."""

from admf_fast.explain.chain import Chain
from admf_fast.explain.explained import explain_trades, refused_orders
from admf_fast.explain.stored import StoredRun, open_run
from admf_fast.explain.text import chain_lines, refused_lines

__all__ = [
    "Chain",
    "StoredRun",
    "chain_lines",
    "explain_trades",
    "open_run",
    "refused_lines",
    "refused_orders",
]
