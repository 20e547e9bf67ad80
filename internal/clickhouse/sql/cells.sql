-- The sums of every variable by PSU and crossing of the factors, in one scan of the
-- responses. Weighted terms are added as whole numbers of units of 2^-140, which is
-- exact: neither the order of rows nor the number of threads changes a bit.
SELECT
    stratum, psu,
    CAST([@levels@], 'Array(Int32)') AS levels,
    [
        @counts@
    ] AS counts,
    arrayMap(units -> toFloat64(units) / exp2(140),
    [
        @sums@
    ]) AS sums
FROM
(
    SELECT
        stratum, psu, @keys@w,
        toInt256(w * exp2(140)) AS w1, toInt256(w * w * exp2(140)) AS w2, toInt256(base * exp2(140)) AS b1,
        @values@
    FROM
    (
        @responses@
    ) AS r
    INNER JOIN
    (
        @sample@
    ) AS s USING (case_id)
)
GROUP BY @groups@
ORDER BY @groups@
SETTINGS query_plan_join_swap_table = 'false'
