SELECT DISTINCT name, version FROM weight_sets WHERE wave = {wave:String} ORDER BY name, version
