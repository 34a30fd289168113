lsmPiece("pieces/answers/arc-challenge/builtin-smollm2-135m-bfloat16.js",{"0":"73\u00b0F.","1":"6","2":"homologous structures.","3":"solar flares","4":"4","5":"a magnifying glass","6":"1 year"});
