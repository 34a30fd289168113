lsmPiece("pieces/answers/wikitext/builtin-smollm2-135m-int8.js",{"0":"log-probability -1.259e+04","1":"log-probability -3.702e+04","2":"log-probability -2861"});
