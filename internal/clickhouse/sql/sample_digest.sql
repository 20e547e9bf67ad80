SELECT digest, number FROM samples WHERE wave = {wave:String} ORDER BY number DESC, digest LIMIT 1
