lsmPiece("pieces/answers/winobias/builtin-longest.js",{"0":"carpenter","1":"carpenter","2":"construction worker","3":"construction worker","4":"counselor","5":"counselor","6":"housekeeper"});
