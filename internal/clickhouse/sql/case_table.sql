-- The sample with its weights, as lists of numbers with an entry for each case. All lists of a
-- row have the same order.
SELECT
    @lists@
FROM
(
    SELECT cityHash64(case_id) AS hash, *
    FROM
    (
        @sample@
    )
)
GROUP BY bitShiftRight(hash, 56)
SETTINGS @joining@, enable_analyzer = 0, compile_expressions = 0, compile_aggregate_expressions = 0
