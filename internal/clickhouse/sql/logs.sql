-- How far the log of each node goes for a wave, and how many records of it are there.
SELECT node, min(seq), max(seq), count() FROM responses WHERE wave = {wave:String} GROUP BY node ORDER BY node
