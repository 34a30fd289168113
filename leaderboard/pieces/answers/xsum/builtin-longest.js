lsmPiece("pieces/answers/xsum/builtin-longest.js",{"0":"[unsupported]","1":"[unsupported]","2":"[unsupported]","3":"[unsupported]","4":"[unsupported]","5":"[unsupported]","6":"[unsupported]"});
