"""Proofs about runs that have happened: shadow, verify, compare, and what diverged."""
