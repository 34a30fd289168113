lsmPiece("pieces/answers/wikitext/builtin-first.js",{"0":"[unsupported]","1":"[unsupported]","2":"[unsupported]"});
