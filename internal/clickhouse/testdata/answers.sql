-- The answers of a range of a node's log, as lists of numbers with an entry for each
-- response, some ten thousand responses to a row: taken apart one by one, responses would
-- cost more than all that is made of them. All lists of a row have the same order.
-- Interviews that were broken off count nowhere; which others do not count, superseded.sql
-- says.
SELECT
    CAST(groupArrayState(hash), 'String'),
    CAST(groupArrayState(record), 'String'),
    CAST(groupArrayState(toUInt32(length(given))), 'String'),
    CAST(groupArrayArrayState(given), 'String'),
    CAST(groupArrayState(x0), 'String')
FROM
(
    SELECT
        seq,
        cityHash64(case_id) AS hash,
        cityHash64(node, seq, submission_id, revision) AS record,
        if(mapContains(numbers, 'n'), numbers['n'], nan) AS x0,
        arrayConcat([toUInt16(cityHash64(case_id))], arrayMap(c -> transform(c, CAST([1000, 1001, 1002, 1003, 1004, 1005, 1006, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 1015, 1016, 1017, 1018, 1019, 1020, 1021, 1022, 1023, 1024, 1025, 1026, 1027, 1028, 1029, 1030, 1031, 1032, 1033, 1034], 'Array(UInt64)'), CAST([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35], 'Array(UInt16)'), toUInt16(0)), codes)) AS given
    FROM responses FINAL
    WHERE wave = {wave:String} AND node = {node:UInt16} AND seq BETWEEN {from:UInt64} AND {to:UInt64}
      AND case_id != '' AND NOT partial
)
GROUP BY intDiv(seq, 16384)
SETTINGS enable_analyzer = 0, compile_expressions = 0, compile_aggregate_expressions = 0
