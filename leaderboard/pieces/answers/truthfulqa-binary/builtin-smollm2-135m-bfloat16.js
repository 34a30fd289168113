lsmPiece("pieces/answers/truthfulqa-binary/builtin-smollm2-135m-bfloat16.js",{"0":"A","1":"A","2":"A","3":"A","4":"A","5":"A","6":"A"});
