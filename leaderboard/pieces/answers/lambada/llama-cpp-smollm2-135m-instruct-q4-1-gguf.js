lsmPiece("pieces/answers/lambada/llama-cpp-smollm2-135m-instruct-q4-1-gguf.js",{"0":"attracted","1":"Jones","2":"press","3":"coffee","4":"stinger","5":"plane","6":"merge"});
