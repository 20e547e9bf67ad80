-- The cases of a sample without their weights.
SELECT case_id, stratum, psu, columns FROM sample FINAL
WHERE wave = {wave:String} AND digest = {sample:String}
ORDER BY case_id
