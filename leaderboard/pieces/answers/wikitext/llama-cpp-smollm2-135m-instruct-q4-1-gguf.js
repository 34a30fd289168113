lsmPiece("pieces/answers/wikitext/llama-cpp-smollm2-135m-instruct-q4-1-gguf.js",{"0":"log-probability -1.259e+04","1":"log-probability -3.703e+04","2":"log-probability -2863"});
