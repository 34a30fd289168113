lsmPiece("pieces/answers/wikitext/builtin-smollm2-135m-dialogsum-lora.js",{"0":"log-probability -1.26e+04","1":"log-probability -3.7e+04","2":"log-probability -2864"});
