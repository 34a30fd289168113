lsmPiece("pieces/answers/lambada/builtin-gemma3-270m-bfloat16.js",{"0":"attracted","1":"Jones","2":"press","3":"coffee","4":"stinger","5":"plane","6":"merge"});
