-- What is known of the cases of a wave, as lists of numbers with an entry for each case. All
-- lists of a row have the same order.
SELECT
    @lists@
FROM
(
    SELECT
        cityHash64(case_id) AS hash,
        @columns@
    FROM @table@ FINAL
    WHERE wave = {wave:String} AND digest = {@digest@:String}
)
GROUP BY bitShiftRight(hash, 56)
SETTINGS enable_analyzer = 0, compile_expressions = 0, compile_aggregate_expressions = 0
