lsmPiece("pieces/answers/halueval-qa/llama-cpp-smollm2-135m-instruct-q4-1-gguf.js",{"0":"No","1":"No","2":"No","3":"No","4":"No","5":"No","6":"No"});
