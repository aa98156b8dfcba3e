"""What a strategy must pass before it trades: look-ahead, warm-up, determinism, degeneracy."""
