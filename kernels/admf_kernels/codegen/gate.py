"""The gate driver: from which bar on a strategy is called whose features wait for longer bars.

State: bars seen so far, then one word per lane, the bar of its first call, counted from 1;
`NEVER` until all columns it waits for have values. Run and lane drivers read that word.
Table: state, lanes, the bar before which a lane is not called in any case, where each
lane's columns begin among the following and where the last one's end, the columns.
"""

NEVER = 1 << 62
SOURCE = f"""\
def drive(table, start, stop):
    words = words_at(table[0])
    at_least = words_at(table[2])
    first_of = words_at(table[3])
    for lane in range(table[1]):
        t = start
        while words[1 + lane] == {NEVER} and t < stop:
            missing = 0
            for k in range(first_of[lane], first_of[lane + 1]):
                value = floats_at(table[4 + k])[t]
                if value != value:
                    missing += 1
            if missing == 0:
                bar = words[0] + t - start + 1
                words[1 + lane] = bar if bar > at_least[lane] else at_least[lane]
            t += 1
    words[0] += stop - start
    return 0
"""
