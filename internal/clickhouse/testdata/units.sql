-- The cases of the sample, with the levels of the factors that are columns of it.
SELECT
    case_id, stratum, psu, w, cityHash64(case_id) AS hash,
    CAST([-1, f1, -1], 'Array(Int32)') AS levels,
    listed
FROM
(
    -- The drawn cases with their weights.
    SELECT
        case_id,
        stratum,
        psu,
        CAST([], 'Array(String)') AS listed,
        toInt32(transform(columns['b\x5C'], ['c\x0A\x40keys\x40', '/\x2A', '答\x22案', '\x00\x60', 'a\x27 OR 1=1 --', 'b\x5C', '\x7Bwave\x3AString\x7D', '\x3F'], [0, 0, 0, 0, 1, 1, 1, 1], -1)) AS f1,
        weight AS w
    FROM sample FINAL
    WHERE wave = {wave:String} AND digest = {sample:String} AND weight > 0
)
ORDER BY case_id
SETTINGS join_use_nulls = 0
