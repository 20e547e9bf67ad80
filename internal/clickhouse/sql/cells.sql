-- The sums of every variable by PSU and crossing of the factors, or by several such crossings,
-- in one scan of the responses. Keys hold the levels, and which variables people have no value of, so that
-- number and weights need summing only once. Weighted terms are added in whole parts,
-- which is exact: neither the order of rows nor the number of threads changes a bit.
-- The engine's newer analyzer takes ten seconds to read the some hundred sums of a report,
-- the older one a few tenths, whatever the number of responses.
-- A large sample lies in the order of the cases, so that only the responses need sorting for
-- the join; a hash table of ten million cases would take four times as long. One of some
-- hundred thousand takes half as long as the sorting.
SELECT
    unit,
    @keys@,
    count() AS people,
    @sums@
FROM
(
    SELECT
        @columns@
    FROM
    (
        @scored@
    )
)
GROUP BY @groups@
ORDER BY @order@
SETTINGS @settings@, enable_analyzer = 0
