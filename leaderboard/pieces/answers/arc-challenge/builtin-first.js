lsmPiece("pieces/answers/arc-challenge/builtin-first.js",{"0":"43\u00b0F.","1":"6","2":"embryonic structures.","3":"volcanic eruptions","4":"4","5":"a large funnel","6":"24 hours"});
