-- The scores and answers of everybody who responded, with weight and PSU, one PSU after the
-- other: what hundreds of sums are added to then stays near the processor.
SELECT
    @values@
FROM
(
    SELECT * EXCEPT (case_id)
    FROM
    (
        @responses@
    ) AS r
    INNER JOIN
    (
        @sample@
    ) AS s USING (case_id)
    ORDER BY unit
)
