"""One seed, one world: feed, venue, clock, disk and kills, all of them faulty."""
