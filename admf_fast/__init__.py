"""The engine: bars in, events and results out, the same in every mode."""
