lsmPiece("pieces/answers/cmmlu/builtin-says-no.js",{"0":"[unsupported]","1":"[unsupported]","2":"[unsupported]","3":"[unsupported]","4":"[unsupported]","5":"[unsupported]","6":"[unsupported]"});
