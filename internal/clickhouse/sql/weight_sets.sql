SELECT DISTINCT name FROM weight_sets WHERE wave = {wave:String} ORDER BY name
