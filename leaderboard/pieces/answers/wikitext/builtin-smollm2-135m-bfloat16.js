lsmPiece("pieces/answers/wikitext/builtin-smollm2-135m-bfloat16.js",{"0":"log-probability -1.257e+04","1":"log-probability -3.696e+04","2":"log-probability -2858"});
