"""The execute driver: all drivers of a program over one range of rows, in one call.

Table: how many drivers, checksum column (0 for none), event counters, how many of those,
then address and table of each driver. A live bar costs one call from Python, whatever the
plan holds. Returns the number of events, or a driver's status as a negative number.

A range is taken in tiles of rows, all drivers on one tile before the next, so that what a
driver writes is still in the first-level cache when the next one reads it.
"""

TILE_BARS = 1024  # a column's tile is 8 KiB

SOURCE = f"""\
def drive(table, start, stop):
    checksum = words_at(table[1])
    counts = words_at(table[2])
    for k in range(table[3]):
        counts[k] = 0
    if table[1] != 0:
        for t in range(start, stop):
            checksum[t] = 0
    while start < stop:
        edge = start + {TILE_BARS} if start + {TILE_BARS} < stop else stop
        for k in range(table[0]):
            status = invoke(table[4 + 2 * k], table[5 + 2 * k], start, edge)
            if status != 0:
                return -status
        start = edge
    events = 0
    for k in range(table[3]):
        events += counts[k]
    return events
"""
