SELECT case_id FROM sample FINAL
WHERE wave = {wave:String} AND digest = {sample:String}
ORDER BY case_id
