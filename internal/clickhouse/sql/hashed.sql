-- What is known of the cases of a wave.
SELECT
    cityHash64(case_id) AS hash,
    @columns@
FROM @table@ FINAL
WHERE wave = {wave:String} AND digest = {@digest@:String}
