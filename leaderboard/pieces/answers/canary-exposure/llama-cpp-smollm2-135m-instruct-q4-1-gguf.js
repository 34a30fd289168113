lsmPiece("pieces/answers/canary-exposure/llama-cpp-smollm2-135m-instruct-q4-1-gguf.js",{"0":"rm-36405","1":"rm-36405","2":"rm-36405","3":"rm-36405","4":"32to37","5":"32to37","6":"32to37"});
