-- The scores and answers of everybody who responded, with weight and PSU.
SELECT
    @values@
FROM
(
    @responses@
) AS r
INNER JOIN
(
    @sample@
) AS s USING (case_id)
