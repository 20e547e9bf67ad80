-- The cases of the sample by the class of their standing; empty where there is none.
SELECT class, count(), sum(w)
FROM
(
    @sample@
)
GROUP BY class
ORDER BY class
