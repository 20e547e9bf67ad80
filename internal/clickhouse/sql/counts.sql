SELECT count(), countIf(case_id IN
(
    @responses@
)@counting@)
FROM
(
    @sample@
)
