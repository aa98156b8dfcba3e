"""Drivers as source text: the loops that carry a kernel over a block, lanes or one bar."""
