-- The responses that count with what is made of their words.
SELECT
    @columns@
FROM
(
    @responses@
)
