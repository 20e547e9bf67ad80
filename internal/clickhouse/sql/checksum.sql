-- Two sums of different hashes of every column, which the order of rows does not change.
SELECT count(), groupBitXor(sipHash64(@columns@)), sum(cityHash64(@columns@))
FROM responses FINAL
WHERE node = {node:UInt16}
