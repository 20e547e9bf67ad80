-- What is known of the cases of a wave.
SELECT
    cityHash64(case_id) AS hash,
    bitXor(CAST(cityHash64(stratum), 'UInt64'), bitRotateLeft(CAST(cityHash64(psu), 'UInt64'), 1)) AS unit,
    weight,
    toInt32(transform(columns['b\x5C'], ['c\x0A\x40keys\x40', '/\x2A', '答\x22案', '\x00\x60', 'a\x27 OR 1=1 --', 'b\x5C', '\x7Bwave\x3AString\x7D', '\x3F'], [0, 0, 0, 0, 1, 1, 1, 1], -1)) AS f1
FROM sample FINAL
WHERE wave = {wave:String} AND digest = {sample:String}
