lsmPiece("pieces/answers/mmlu/builtin-gemma3-270m.js",{"0":"D","1":"D","2":"D","3":"D","4":"B","5":"D","6":"D","7":"D","8":"B","9":"D","10":"D","11":"D"});
