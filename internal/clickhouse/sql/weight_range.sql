-- The smallest and the largest weight of a set, and of the weights before calibration.
SELECT min(weight), max(weight), minIf(base, base > 0), max(base)
FROM weights
WHERE wave = {wave:String} AND digest = {weights:String} AND weight > 0
