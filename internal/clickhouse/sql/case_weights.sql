-- A set of weights, by case.
SELECT case_id, weight, base FROM weights FINAL
WHERE wave = {wave:String} AND digest = {weights:String} AND weight > 0
ORDER BY case_id
