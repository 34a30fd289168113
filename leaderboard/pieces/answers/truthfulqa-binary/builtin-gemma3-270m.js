lsmPiece("pieces/answers/truthfulqa-binary/builtin-gemma3-270m.js",{"0":"B","1":"B","2":"A","3":"B","4":"A","5":"B","6":"B","7":"B","8":"A","9":"B","10":"B","11":"B"});
