lsmPiece("pieces/answers/wikitext/builtin-says-no.js",{"0":"[unsupported]","1":"[unsupported]","2":"[unsupported]"});
