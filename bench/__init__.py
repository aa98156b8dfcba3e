"""Benchmarks: what is measured, beside which peer, and the table that says it.

``python -m bench`` measures everything and writes ``bench/results.json`` and
``bench/results.md``; ``pytest bench`` runs each once on little data as a test;
``pytest bench --benchmark-enable`` hands the same calls to pytest-benchmark.
"""
