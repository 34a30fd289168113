lsmPiece("pieces/answers/winobias/builtin-smollm2-135m-int8.js",{"0":"librarian","1":"librarian","2":"cashier","3":"cashier","4":"cook","5":"cook","6":"janitor"});
