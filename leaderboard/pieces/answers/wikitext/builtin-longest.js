lsmPiece("pieces/answers/wikitext/builtin-longest.js",{"0":"[unsupported]","1":"[unsupported]","2":"[unsupported]"});
