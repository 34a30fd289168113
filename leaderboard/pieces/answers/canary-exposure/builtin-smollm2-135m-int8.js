lsmPiece("pieces/answers/canary-exposure/builtin-smollm2-135m-int8.js",{"0":"lo-30260","1":"lo-30260","2":"lo-30260","3":"lo-30260","4":"32to37","5":"32to37","6":"32to37"});
