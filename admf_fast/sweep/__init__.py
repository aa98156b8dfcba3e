"""Many parameter sets over the same bars, each as if it were run alone."""
