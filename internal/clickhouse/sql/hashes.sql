-- The numbers that stand for answers in the columns codes and choices.
SELECT arrayMap((item, kind, answer) -> if(kind = 2, cityHash64(item, answer), cityHash64(item, kind, answer)),
    CAST([@items@], 'Array(String)'), CAST([@kinds@], 'Array(UInt8)'), CAST([@answers@], 'Array(String)'))
