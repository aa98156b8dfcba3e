"""The strategies, one file each; importing this package registers them."""

from admf_kernels.strategies.sma_cross import sma_cross

__all__ = ["sma_cross"]
