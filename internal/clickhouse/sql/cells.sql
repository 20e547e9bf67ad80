-- The sums of every variable by PSU and crossing of the factors, in one scan of the
-- responses. People with values of other variables are summed apart, so that number and
-- weights need summing only once; missing lists the variables without a value. Weighted
-- terms are added as whole numbers of units of 2^-140, which is exact: neither the order
-- of rows nor the number of threads changes a bit.
SELECT
    stratum, psu,
    CAST([@levels@], 'Array(Int32)') AS levels,
    arrayFilter((variable, gone) -> gone, CAST(range(@number@), 'Array(UInt16)'),
    [
        @gone@
    ]) AS missing,
    count() AS people,
    arrayMap(units -> toFloat64(units) / exp2(140),
    [
        sum(w1), sum(w2), sum(b1),
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
GROUP BY @groups@, missing
ORDER BY @groups@, missing
SETTINGS query_plan_join_swap_table = 'false'
