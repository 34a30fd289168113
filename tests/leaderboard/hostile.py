"""Two hundred hostile texts, as a model, a data set or a record from elsewhere may hold them, and a board that is full of them.

Each would set `window.hacked`, open a dialog, ask a server, or change the page's title or look, were it anything but text.
"""

from __future__ import annotations

import itertools
from pathlib import Path

from records import Json, estimate, generated, sample, task, write_record

SERVER = "http://127.0.0.1:9/hacked"
"""Nobody listens there; a page that asks it is caught."""

_DO = (
    "window.hacked=1", "alert(1)", "document.title='hacked'", f"fetch('{SERVER}')", f"location='{SERVER}'",
    "document.body.innerHTML='hacked'",
)  # fmt: skip

_SCRIPTS = (
    "<script>{do}</script>", "<SCRIPT>{do}</SCRIPT >", "<scr<script>ipt>{do}</scr</script>ipt>", "<script\n>{do}</script\n>",
    "<script src='data:text/javascript,{do}'></script>", "<script type=module>{do}</script>", "<script/x>{do}</script>",
    "</script><script>{do}</script>", "</pre><script>{do}</script>", "</title><script>{do}</script>",
    "</style><script>{do}</script>", "</textarea><script>{do}</script>", "</noscript><script>{do}</script>",
    "--><script>{do}</script>", "]]><script>{do}</script>", "\"></a><script>{do}</script>", "'></a><script>{do}</script>",
    "\\u003cscript\\u003e{do}\\u003c/script\\u003e", "\\x3cscript\\x3e{do}\\x3c/script\\x3e",
    "&lt;script&gt;{do}&lt;/script&gt;", "&#60;script&#62;{do}&#60;/script&#62;", "&#x3C;script&#x3E;{do}",
    "＜script＞{do}＜/script＞", "<template><script>{do}</script></template>", "<iframe srcdoc='<script>{do}</script>'></iframe>",
)  # fmt: skip

_HANDLERS = (
    "<img src=x onerror=\"{do}\">", "\"><img src=x onerror='{do}'>", "<svg onload=\"{do}\">", "<body onload=\"{do}\">",
    "<details open ontoggle=\"{do}\"><summary>x</summary></details>", "<input autofocus onfocus=\"{do}\">",
    "<video><source onerror=\"{do}\"></video>", "<marquee onstart=\"{do}\">", "<a autofocus tabindex=0 onfocus=\"{do}\">x</a>",
    "\" onmouseover=\"{do}\" x=\"", "' onmouseover='{do}' x='", "\" autofocus onfocus=\"{do}\" \"", "` onmouseover=`{do}`",
    "<div style=\"animation:x 1s\" onanimationstart=\"{do}\">", "<form><button formaction=\"javascript:{do}\">x</button></form>",
    "<object data=\"javascript:{do}\"></object>", "<embed src=\"javascript:{do}\">", "<iframe src=\"javascript:{do}\"></iframe>",
    "<a href=\"javascript:{do}\">x</a>", "<base href=\"javascript:{do}//\">", "<math><mi xlink:href=\"javascript:{do}\">x</mi></math>",
    "<svg><animate onbegin=\"{do}\" attributeName=x dur=1s></svg>", "<svg><a xlink:href=\"javascript:{do}\"><text>x</text></a></svg>",
    "<svg><script>{do}</script></svg>", "<svg><use href=\"data:image/svg+xml,<svg id=x onload={do}>#x\"></use></svg>",
)  # fmt: skip

_OTHERS = (
    "javascript:{do}", "JaVaScRiPt:{do}", "java\tscript:{do}", "\x01javascript:{do}", "data:text/html,<script>{do}</script>",
    "vbscript:{do}", f"{SERVER}", "//127.0.0.1:9/hacked", "file:///etc/passwd", "blob:null/x",
)  # fmt: skip

_REQUESTS = (
    f"<img src={SERVER}>", f"<link rel=stylesheet href={SERVER}>", f"<link rel=prefetch href={SERVER}>",
    f"<meta http-equiv=refresh content='0;url={SERVER}'>", f"<iframe src={SERVER}></iframe>", f"<base href={SERVER}>",
    f"<form action={SERVER}><input name=x autofocus></form>", f"<audio src={SERVER} autoplay>", f"<object data={SERVER}>",
    f"<svg><image href={SERVER}></svg>", f"<style>@import url({SERVER});</style>", f"<style>body{{background:url({SERVER})}}</style>",
    f"</style><link rel=stylesheet href={SERVER}>", f"\" style=\"background:url({SERVER})", f"<table background={SERVER}>",
    f"![x]({SERVER})", f"[x](javascript:window.hacked=1) {SERVER}", f"<input type=image src={SERVER}>", f"<video poster={SERVER}>",
)  # fmt: skip

_MARKUP = (
    "<!--", "-->", "<!-- x", "<![CDATA[", "]]>", "<?php echo 1 ?>", "<!doctype html><html><body>hacked", "</body></html>",
    "<plaintext>", "<xmp>", "<textarea>", "<title>hacked</title>", "<noscript><b>", "<select><option>", "<table><tr><td>",
    "</main></body>", "</section></article></details>", "<details open>", "<h1 id=main>hacked</h1>", "<dialog open>hacked</dialog>",
    "<a name=main id=filter>", "<form id=list name=getElementById>", "<b", "</", "<", ">", "<>", "< script >", "&", "&amp;", "&amp;lt;b&amp;gt;",
    "&#0;", "&#x202e;", "&nbsp;", "&notanentity;", "\"", "'", "`", "\\", "\\\"", "\\'", "\\n", "%3Cscript%3E", "+ADw-script+AD4-",
)  # fmt: skip

_JSON = (
    '</script>', '"}</script><script>window.hacked=1</script>', '\\"});window.hacked=1;//', '"]);window.hacked=1;([', "');window.hacked=1;('",
    '{"__proto__": {"hacked": 1}}', "__proto__", "constructor", "toString", "hasOwnProperty", '\u2028window.hacked=1', '\u2029window.hacked=1',
    "${window.hacked=1}", "lsmPiece('x',window.hacked=1)", "*/window.hacked=1/*", "NaN", "null", "undefined", "[object Object]",
)  # fmt: skip

_TEMPLATES = (
    "{{ 7 * 7 }}", "{% raw %}", "{% endblock %}", "{# x #}", "{{ self.__init__.__globals__ }}", "{{ ''.__class__.__mro__ }}",
    "{n}", "{model}", "{0.__class__}", "%(x)s", "%s%n", "$x ${x}", "<%= 7 * 7 %>", "#{7*7}", "[[7*7]]", "{{constructor.constructor('window.hacked=1')()}}",
)  # fmt: skip

_UNSEEN = (
    "\u202egnp.exe\u2066", "\u202etxt.<script>window.hacked=1</script>", "a\u200bb\u200bc", "\u2067right\u2069", "x\u00ady", "\ufeffx", "\u061cx", "x\u2060y",
    "\U000e0041\U000e0042 tags", "a\u0000b", "a\u001b[31mred\u001b[0m", "a\bb", "\x7f\x80\x9f", "line\rover", "tab\tfeed\x0c", "\ufffd\ufffe\uffff",
    "e" + "\u0301" * 400, "שלום עולם مرحبا", "\u202d\u202e" * 20, "👩\u200d👩\u200d👧", "نیم\u200cفاصله", "caf\xe9 \xff\xfe", "ÿþ<\x00s\x00",
)  # fmt: skip

_STYLES = (
    "}</style><b id=injected>", "</style>", "expression(window.hacked=1)", "*{display:none!important}", "\"><style>*{display:none}</style>",
    "</style><style>body{position:fixed;top:-9999px}", "url(javascript:window.hacked=1)", "behavior:url(#default#time2)", "/* */}*{color:red",
)  # fmt: skip

_PATHS = (
    "../../etc/passwd", "..\\..\\windows\\system32", "/etc/passwd", "C:\\con", "con", "aux.html", ".", "..", "...", "a/../../b", "index.html", "-rf", "~root",
    "x\n/y", "models/../index", "a" * 300, "%2e%2e%2fx", "file.", "name ", " name", "NUL", "é/ü", "模型",
)  # fmt: skip

_LONG = (
    "A" * 1_000_000,
    "<b>" * 20_000,
    "\n" * 5_000,
    "&" * 10_000,
    "\u202e" * 5_000,
    "🙂" * 20_000,
    " " * 5_000 + "x",
    "word " * 10_000,
)


def corpus() -> list[str]:
    """At least two hundred texts, no two equal."""
    turns = itertools.cycle(_DO)
    made = [form.replace("{do}", next(turns)) for form in (*_SCRIPTS, *_HANDLERS, *_OTHERS)]
    plain = (*_REQUESTS, *_MARKUP, *_JSON, *_TEMPLATES, *_UNSEEN, *_STYLES, *_PATHS, *_LONG)
    return list(dict.fromkeys([*made, *plain]))


def hostile_board(root: Path, texts: list[str]) -> Path:
    """A record a text, whose model, run, task's words, metric and settings are that text, and two models whose samples hold all
    of them in every place that a sample has. Records of one task, so that tasks' pages have all models."""
    for place, text in enumerate(texts):
        write_record(root / f"t{place:03}", text, **_words(text, place))
    for place in range(2):
        rows = [row for at, text in enumerate(texts) for row in _samples(text, at, place)]
        write_record(
            root / f"samples{place}", f"answers {place}", [_share("arc", place), _share("qa", place)],
            tasks=[task("arc"), task("qa", request="generate")], samples=rows, model_fields={"fingerprint": f"{place}a" * 32, "parameters": 10**9 * (place + 1)},
        )  # fmt: skip
    return root


def _share(name: str, place: int) -> Json:
    return estimate(name, value=0.5 + place / 10)


def _words(text: str, place: int) -> Json:
    dense = "".join(text.split())[:300] or "x"
    row = estimate("arc", title=text, method=text, n=199, missing=1)
    other = estimate("arc", dense, title=text, method=text, n=199, missing=1)
    second = {**other, "metric": text, "signature": f"{other['signature']} {dense}"}
    words = task(
        "arc", title=text, source=text, licence=text, description=text, departures=[text], failures={text: 1},
        references=[{"model": text, "metric": "accuracy", "value": text, text[:99]: text}, {"metric": text, "value": 0.5}],
    )  # fmt: skip
    return {
        "estimates": [row, second], "tasks": [words], "run": text, "command": ["lsm-eval", "run", "--model", text],
        "settings": {text: {"deep": [text]}}, "hardware": {text: text, "cpu": text}, "versions": {text: text}, "phases": [{"name": text, "seconds": 1.0}],
        "created": f"2025-01-01T{place // 60:02}:{place % 60:02}:00+00:00",
        "model_fields": {
            "fingerprint": f"{place:064x}",
            "parameters": 10**8 * (place + 1), "licence": text, "revision": text, "spec": text, "details": {text: text, "title": text},
        },
    }  # fmt: skip


def _samples(text: str, at: int, place: int) -> list[Json]:
    right = float((at + place) % 2)
    score = {"score.accuracy": right, "stats.accuracy": [right]}
    other = {"cluster": text, "metadata": '{"k": 1}' if at % 2 else text, **score}
    further = None
    written = generated(
        "qa",
        at,
        text,
        text,
        [text],
        sample=f"{at} {text[:500]}",
        thoughts=text,
        finish=text,
        further=further,
        **other,
    )
    return [
        sample("arc", at, prompt=text, choices=[text, f"{text}2"], sample=f"{at} {text[:500]}", **other),
        written,
    ]
