lsmPiece("pieces/answers/arc-challenge/builtin-longest.js",{"0":"43\u00b0F.","1":"13","2":"homologous structures.","3":"volcanic eruptions","4":"4","5":"a horseshoe magnet","6":"24 hours"});
