-- The answers of a range of a node's log, as lists of numbers with an entry for each
-- response, some ten thousand responses to a row: taken apart one by one, responses would
-- cost more than all that is made of them. All lists of a row have the same order.
-- Interviews that were broken off count nowhere; which others do not count, superseded.sql
-- says.
SELECT
    @lists@
FROM
(
    SELECT
        seq,
        cityHash64(case_id) AS hash,
        cityHash64(node, seq, submission_id, revision) AS record,
        @values@
    FROM responses FINAL
    WHERE wave = {wave:String} AND node = {node:UInt16} AND seq BETWEEN {from:UInt64} AND {to:UInt64}
      AND case_id != '' AND NOT partial
)
GROUP BY intDiv(seq, 16384)
SETTINGS enable_analyzer = 0, compile_expressions = 0, compile_aggregate_expressions = 0
