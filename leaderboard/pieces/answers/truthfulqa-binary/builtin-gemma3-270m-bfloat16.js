lsmPiece("pieces/answers/truthfulqa-binary/builtin-gemma3-270m-bfloat16.js",{"0":"B","1":"B","2":"A","3":"B","4":"A","5":"B","6":"B"});
