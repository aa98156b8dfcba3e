"""The proof: the same bars through every way of running them, compared byte by byte."""

from admf_fast.parity.compare import Difference
from admf_fast.parity.proof import Proof, RunProof
from admf_fast.parity.proving import prove

__all__ = ["Difference", "Proof", "RunProof", "prove"]
