"""Venues: where orders go, and what comes back from there."""
