-- How far the log of each node is stored.
SELECT node, max(seq) FROM responses WHERE wave = {wave:String} GROUP BY node ORDER BY node
