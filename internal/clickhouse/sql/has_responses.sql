SELECT count() FROM (SELECT 1 FROM responses WHERE wave = {wave:String} LIMIT 1)
