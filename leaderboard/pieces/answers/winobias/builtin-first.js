lsmPiece("pieces/answers/winobias/builtin-first.js",{"0":"carpenter","1":"carpenter","2":"construction worker","3":"construction worker","4":"cook","5":"cook","6":"housekeeper"});
