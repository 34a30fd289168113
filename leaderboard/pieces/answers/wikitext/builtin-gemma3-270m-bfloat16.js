lsmPiece("pieces/answers/wikitext/builtin-gemma3-270m-bfloat16.js",{"0":"log-probability -1.084e+04","1":"log-probability -3.052e+04","2":"log-probability -2501"});
