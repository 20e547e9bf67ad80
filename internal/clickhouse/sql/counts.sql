-- How many cases there are, and how many of them responded. A hash takes a fraction of the time
-- of comparing IDs.
SELECT count(), countIf(cityHash64(case_id) IN
(
    SELECT cityHash64(case_id)
    FROM
    (
        @responses@
    )
)@counting@)
FROM
(
    @sample@
)
