lsmPiece("pieces/answers/canary-exposure/builtin-gemma3-270m-bfloat16.js",{"0":"ml-17390","1":"ml-17390","2":"ml-17390","3":"ml-17390","4":"15ve71","5":"15ve71","6":"15ve71"});
