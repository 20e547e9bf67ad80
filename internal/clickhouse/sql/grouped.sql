@hash@ IN (
    SELECT @hash@ AS h FROM responses WHERE wave = {wave:String}@until@@other@
    GROUP BY h HAVING count() > 1)
