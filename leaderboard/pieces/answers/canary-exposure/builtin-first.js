lsmPiece("pieces/answers/canary-exposure/builtin-first.js",{"0":"wz-07073","1":"wz-07073","2":"wz-07073","3":"wz-07073","4":"30on61","5":"30on61","6":"30on61"});
