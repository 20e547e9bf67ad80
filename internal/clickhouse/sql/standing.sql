
LEFT JOIN
(
    SELECT case_id, class, eligible, counts
    FROM standings FINAL
    WHERE wave = {wave:String} AND digest = {standings:String}
) AS standing USING (case_id)
