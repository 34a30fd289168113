lsmPiece("pieces/answers/halueval-qa/builtin-uniform.js",{"0":"Yes","1":"Yes","2":"Yes","3":"Yes","4":"Yes","5":"Yes","6":"Yes"});
