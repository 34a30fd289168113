lsmPiece("pieces/answers/wikitext/builtin-smollm2-135m-float32.js",{"0":"log-probability -1.256e+04","1":"log-probability -3.697e+04","2":"log-probability -2860"});
