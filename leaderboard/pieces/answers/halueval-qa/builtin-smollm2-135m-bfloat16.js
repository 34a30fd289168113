lsmPiece("pieces/answers/halueval-qa/builtin-smollm2-135m-bfloat16.js",{"0":"No","1":"No","2":"No","3":"No","4":"No","5":"No","6":"No","7":"No","8":"No","9":"No","10":"No","11":"No"});
