-- Every PSU of the design, also those in which nobody responded: how many cases there are, how
-- many of them have a weight, the smallest and the largest of these weights.
SELECT
    stratum, psu, @unit@ AS unit,
    count(), countIf(weight > 0), minIf(weight, weight > 0), max(weight)
FROM sample FINAL
WHERE wave = {wave:String} AND digest = {sample:String}
GROUP BY stratum, psu
ORDER BY stratum, psu
