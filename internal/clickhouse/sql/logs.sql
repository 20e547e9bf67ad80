-- Where the records of a wave lie in the log of each node: pieces of equal length, for a log
-- may have other waves between.
SELECT node, min(seq), max(seq), count()
FROM responses
WHERE wave = {wave:String}
GROUP BY node, intDiv(seq, {portion:UInt64})
ORDER BY node, min(seq)
