lsmPiece("pieces/answers/halueval-qa/builtin-gemma3-270m-float32.js",{"0":"No","1":"Yes","2":"Yes","3":"Yes","4":"Yes","5":"Yes","6":"Yes"});
