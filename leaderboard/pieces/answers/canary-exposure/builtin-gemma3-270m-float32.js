lsmPiece("pieces/answers/canary-exposure/builtin-gemma3-270m-float32.js",{"0":"ml-17390","1":"ml-17390","2":"ml-17390","3":"ml-17390","4":"41xx32","5":"41xx32","6":"41xx32"});
