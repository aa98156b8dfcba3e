"""The live process: feed, journal, step, venue, in this order, for days."""
