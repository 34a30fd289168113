lsmPiece("pieces/answers/mmlu/builtin-gemma3-270m-bfloat16.js",{"0":"D","1":"D","2":"D","3":"D","4":"B","5":"D","6":"D"});
