-- The same with who has a value of which variables.
SELECT
    *,
    @bases@
FROM
(
    @scored@
)
