SELECT digest, number, eligible FROM standing_sets WHERE wave = {wave:String} ORDER BY number DESC, digest LIMIT 1
