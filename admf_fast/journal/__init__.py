"""The journal of a live run: what happened, durable before it counts, in a chain of records."""
