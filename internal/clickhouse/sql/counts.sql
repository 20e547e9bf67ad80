SELECT count(), countIf(case_id IN
(
    @responses@
))
FROM
(
    @sample@
)
