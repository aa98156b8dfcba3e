"""The execute driver: all drivers of a program over one range of rows, in one call.

Table: how many drivers, checksum column (0 for none), event counters, how many of those,
then address and table of each driver. A live bar costs one call from Python, whatever the
plan holds. Returns the number of events, or a driver's status as a negative number.
"""

SOURCE = """\
def drive(table, start, stop):
    checksum = words_at(table[1])
    counts = words_at(table[2])
    for k in range(table[3]):
        counts[k] = 0
    if table[1] != 0:
        for t in range(start, stop):
            checksum[t] = 0
    for k in range(table[0]):
        status = invoke(table[4 + 2 * k], table[5 + 2 * k], start, stop)
        if status != 0:
            return -status
    events = 0
    for k in range(table[3]):
        events += counts[k]
    return events
"""
