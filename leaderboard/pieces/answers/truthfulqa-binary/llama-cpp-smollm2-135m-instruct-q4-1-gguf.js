lsmPiece("pieces/answers/truthfulqa-binary/llama-cpp-smollm2-135m-instruct-q4-1-gguf.js",{"0":"A","1":"A","2":"A","3":"A","4":"A","5":"A","6":"A"});
