SELECT digest FROM weight_sets WHERE wave = {wave:String} AND name = {name:String} ORDER BY digest LIMIT 1
