lsmPiece("pieces/answers/halueval-qa/builtin-smollm2-135m-float32.js",{"0":"No","1":"No","2":"No","3":"No","4":"No","5":"No","6":"No"});
