-- The versions of a set of weights. Two that were written at one time under one number
-- are both there; the first is the one in use.
SELECT version, digest, record FROM weight_sets
WHERE wave = {wave:String} AND name = {name:String}
ORDER BY version, digest, record
