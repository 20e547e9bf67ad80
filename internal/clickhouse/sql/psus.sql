-- Every PSU of the design, also those in which nobody responded.
SELECT DISTINCT stratum, psu
FROM sample
WHERE wave = {wave:String} AND digest = {sample:String}
ORDER BY stratum, psu
