-- Every PSU of the design, also those in which nobody responded, and its positive
-- weights: how many cases there are at most, the smallest and the largest.
SELECT
    stratum, psu, @unit@ AS unit,
    count(), minIf(weight, weight > 0), max(weight)
FROM sample
WHERE wave = {wave:String} AND digest = {sample:String}
GROUP BY stratum, psu
ORDER BY stratum, psu
