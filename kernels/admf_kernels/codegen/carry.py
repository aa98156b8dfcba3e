"""The carry driver: a program over bars of the caller's, block by block, in one call from Python.

Bars are copied to where the program reads them, a block of rows at a time; between two calls
threads wait for each other in the interpreter, so that few long calls are better than many.

Table: address and table of the execute driver; the first column, the words from one to the next,
how many there are, and how many of their rows are used; the rows before a block; the bars of a
block; the event counts of the first lane, the words from one lane to the next, how many lanes
there are, and the most that any count may be for another block to be taken; progress; the bars,
column by column.
``[start, stop)`` are the bars to take. Progress is the next row to fill and the next bar to take.
Returns 0, or what the execute driver returned below 0, progress being that of its block.
"""

from admf_kernels.contract import BAR_COLUMNS
from admf_kernels.execution.log import TABLES

TABLE = (
    "execute", "program", "columns", "stride", "column_count", "rows_used", "history",
    "block_bars", "counts", "counts_stride", "lanes", "counts_most", "progress",
)  # fmt: skip

_AT = {name: f"table[{k}]" for k, name in enumerate(TABLE)}

SOURCE = f"""\
def drive(table, start, stop):
    columns, stride = {_AT["columns"]}, 8 * {_AT["stride"]}
    history, block = {_AT["history"]}, {_AT["block_bars"]}
    progress = words_at({_AT["progress"]})
    progress[1] = start
    while start < stop:
        most = 0
        for k in range({_AT["lanes"]}):
            counts = words_at({_AT["counts"]} + 8 * {_AT["counts_stride"]} * k)
            for n in range({len(TABLES)}):
                most = counts[n] if counts[n] > most else most
        if most > {_AT["counts_most"]}:
            break
        cursor = progress[0]
        size = block if start + block < stop else stop - start
        if cursor + size > {_AT["rows_used"]}:
            for k in range({_AT["column_count"]}):
                column = floats_at(columns + stride * k)
                for row in range(history):
                    column[row] = column[cursor - history + row]
            cursor = history
            progress[0] = cursor
        for k in range({len(BAR_COLUMNS)}):
            column, given = floats_at(columns + stride * k), floats_at(table[{len(TABLE)} + k])
            for row in range(size):
                column[cursor + row] = given[start + row]
        status = invoke({_AT["execute"]}, {_AT["program"]}, cursor, cursor + size)
        if status < 0:
            return status
        start += size
        progress[0], progress[1] = cursor + size, start
    return 0
"""
