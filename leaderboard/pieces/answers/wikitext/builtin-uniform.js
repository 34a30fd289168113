lsmPiece("pieces/answers/wikitext/builtin-uniform.js",{"0":"[unsupported]","1":"[unsupported]","2":"[unsupported]"});
