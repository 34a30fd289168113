lsmPiece("pieces/answers/canary-exposure/builtin-smollm2-135m-float32.js",{"0":"lv-15489","1":"lv-15489","2":"lv-15489","3":"lv-15489","4":"32to37","5":"32to37","6":"32to37"});
