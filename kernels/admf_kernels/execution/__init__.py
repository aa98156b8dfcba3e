"""From a signal to equity: sizing, costs, the fill, the portfolio and the metrics, as kernels.

The only implementation of each, in every mode.
"""
