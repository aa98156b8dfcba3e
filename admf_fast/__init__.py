"""The engine: bars in, events and results out, the same in every mode."""

__version__ = "0.1.0"
