"""The stretch driver: a program over whole arrays, tile by tile, in one call from Python.

Columns the caller owns are read and written where they lie; columns in between hold one
tile, which stays in the first-level cache, and the rows before it that inputs reach back to.

Table: address and table of the execute driver, rows of a tile, rows before it, the
addresses of the table words that point at the caller's columns and how many they are, the
addresses of the columns in between and how many. ``[start, stop)`` are the bars to do.
Returns 0, or what the execute driver returned below 0.
"""

SOURCE = """\
def drive(table, start, stop):
    tile = table[2]
    history = table[3]
    moving = words_at(table[4])
    kept = words_at(table[6])
    while start < stop:
        size = tile if start + tile < stop else stop - start
        status = invoke(table[0], table[1], history, history + size)
        if status < 0:
            return status
        for k in range(table[5]):
            words_at(moving[k])[0] += 8 * size
        for k in range(table[7]):
            column = floats_at(kept[k])
            for row in range(history):
                column[row] = column[row + size]
        start += size
    return 0
"""
