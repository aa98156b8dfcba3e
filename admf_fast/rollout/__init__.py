"""From backtest to paper to live, by stages with gates."""
