"""Watching a live run: a baseline to be held to, alerts, metrics and health."""
