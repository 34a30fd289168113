"""The phrases of the detector `abstention`: how people say that they do not know, in English and Chinese, with a few
clear phrases in Spanish, French and German."""

from __future__ import annotations

import re

_NOT = r"(?:do not|don't|dont|did not|didn't)"
_ADVERB = (
    r"(?:\s+(?:really|honestly|actually|quite|simply|just|even|currently|personally|fully|entirely|exactly))*"
)
_CANNOT = r"(?:cannot|can not|can't|cant|could not|couldn't|am unable to|'m unable to|am not able to|'m not able to)"
_ENGLISH = (
    # "I don't know", alone or about the question, but not "I Don't Know How to Love Him".
    (
        rf"\bi{_ADVERB}\s+{_NOT}{_ADVERB}\s+know(?=\s*(?:$|[.,;:!?)\n\u2014-]|the answer|what|who|when|where|which|whether|if\b"
        r"|why|about|for (?:sure|certain)|enough|much|any|exactly|that|this|it\b|anything|offhand|sorry|and\b|but\b|because))"
    ),
    (
        rf"\bi{_ADVERB}\s+{_NOT}{_ADVERB}\s+(?:have|recall|remember|possess)\s+(?:any\s+|enough\s+|sufficient\s+|that\s+|specific\s+"
        r"|the\s+|reliable\s+|a\s+|an\s+|access\b|to\s+|detailed\s+)*"
        r"(?:information|knowledge|idea|answer|data|details|clue|context|access|comment|name|it\b|that\b)"
    ),
    rf"\bi{_ADVERB}\s+{_NOT}\s+(?:recall|remember)\b",
    rf"\bi{_ADVERB} have{_ADVERB} no (?:idea|comment|clue|information|knowledge|answer|data|record|way of knowing)\b",
    (
        r"\bi(?:\'m| am)\s+(?:really |quite |honestly |afraid i(?:\'m| am) )?(?:not (?:sure|certain|aware|familiar)|unsure|uncertain|unaware"
        r"|unfamiliar)\b"
    ),
    (
        rf"\bi\s*{_CANNOT}{_ADVERB}\s+(?:answer|say|tell(?! a lie)|determine|find|provide|verify|confirm|identify|give|recall|remember|know"
        r"|comment|locate|be (?:sure|certain)|(?:help|assist)(?= (?:you|with)|\W*$))\b"
    ),
    (
        r"^(?:sorry,?\s+)?(?:no idea|no clue|not sure|dunno|idk|unsure|no comment|beats me|not certain|can\'t say|cannot say|don\'t know"
        r"|do not know|dont know|unable to (?:answer|determine|find|say))\b"
    ),
    (
        r"\b(?:it|this|that|the answer|the question) (?:is (?:unknown|unclear|unanswerable)|(?:is not|isn\'t) known(?! to\b)"
        r"|(?:cannot|can\'t|could not) be (?:determined|answered|known|verified|found))\b"
    ),
    r"\b(?:there is|there\'s) (?:no way (?:to know|of knowing|to tell)|not enough information|insufficient information)\b",
    r"^(?:insufficient|not enough) (?:information|data|context)\b",
    (
        r"^(?:it(?:'s| is|'d be) |that(?:'s| is) )?(?:very |really |quite )?(?:hard|difficult|impossible|tough|tricky) to (?:say|tell|know|determine|answer)\b"
        r"|^(?:who|god|heaven|goodness)(?: only)? knows\W*$|\byour guess is as good as mine\b|^(?:no ?one|nobody)(?: \w+)? knows(?: for (?:sure|certain))?\W*$"
    ),
    (
        r"\bi(?:'m| am) (?:clueless|at a loss|drawing a blank)\b|\bi have(?:n't| not) (?:a|any|the (?:faintest|foggiest|slightest|least)) (?:clue|idea)\b|\bi wouldn't know\b"
        r"|\bi(?:'d| would) (?:have|need) to (?:look|check|google|search)\b|\bi (?:would |'d )?need (?:more|further|additional) (?:info|context|details?|data)"
        r"|\bi lack (?:the |any |sufficient |enough )?(?:information|knowledge|context|data)\b|\bi (?:don't|do not) think i know\b|\bbeyond my knowledge\b"
    ),
    r"^(?:can(?:'t|not)|couldn't) (?:tell|answer|know|be (?:determined|answered|known))\b|^not enough info\b|^search me\W*$|\b(?:there(?:'s| is) )?no telling\W*$",
    r"^(?:no answer|i give up|(?:you(?:'ve)? )?got me|i pass|pass)\W*$",
    r"^(?:the answer is )?(?:unknown|not known|unanswerable|n/?a|none known|undetermined)(?=\s*(?:$|[.!?]))",
)
_CHINESE = (
    (
        r"(?:我|本人|抱歉|对不起|很遗憾|目前|暂时|确实|真的|也|还|并|^)[，,、\s]*(?:我|也|还|并|真的|确实|暂时|目前)*"
        r"(?:不知道|不清楚|不确定|不了解|不太清楚|不太确定|不太了解|不记得|不晓得|没听说过|没有听说过|不熟悉|答不上来|说不准|不懂)"
    ),
    r"(?:无法|不能|没法|没办法)(?:准确|确切|直接|为您|为你|给您|给你|对此|就此)*(?:回答|作答|答复|确定|确认|得知|判断|提供|查证|核实|知晓|给出|告知)",
    r"(?:没有|缺乏|缺少|暂无|查无)(?:任何|足够的?|相关的?|更多的?|确切的?|具体的?|可靠的?|这方面的?)*(?:信息|资料|数据|记录|答案|知识|消息)",
    r"(?:不得而知|无从得知|无从知晓|无可奉告|尚不清楚|尚不明确|尚无定论|不便回答)",
    r"(?:很难说|难说|不好说|说不准|说不清|没法说|谁知道(?=呢?[。？！?!]?$)|没有?人知道|没印象|记不清|记不得|不记得|没有答案)",
    r"^(?:答案)?(?:是)?(?:未知|不详|不明|不知|不清楚|不确定)(?=[。.！!，,\s]*$)",
)
PHRASE = re.compile("|".join(f"(?:{part})" for part in (*_ENGLISH, *_CHINESE)), re.IGNORECASE)

ATTEMPT = re.compile(
    # The text that follows gives an answer.
    r"\b(?:but|however|though|although)\b[^.?!]{0,40}?\b(?:i (?:think|believe|guess|would (?:say|guess)|'d (?:say|guess)|suspect|assume)"
    r"|my (?:best )?guess|maybe|perhaps|probably|possibly|(?:it|he|she|they) (?:might|may|could|must|was|were|is|are)|it's)\b"
    # A clause that states something and not more doubt ("but the answer is 4"), or text after a colon.
    r"|\b(?:but|however|yet)\b,?\s+(?!i\b|you\b|we\b|they\b|there\b|please\b|if\b|sorry\b|(?:it|that|this)(?:'s| is) (?:hard|difficult|unclear|unknown|not|un)|no\b)"
    r"[^.?!]{0,60}?(?:\b(?:is|was|are|were|has|had|means?|equals?|lies|boils?|comes?|won|wrote|made)\b|'s\b|=|\d)(?![^.?!]{0,20}\b(?:not|unknown|unclear|hard|difficult)\b)"
    r"|^[^.?!]{0,60}:\s*\w|^[^.?!]{0,30}\bbetter\b"
    r"|[.;,]\s*(?:maybe|perhaps|probably|possibly|my (?:best )?guess|i (?:think|believe|guess|would say|'d say))\b"
    r"|(?:但|不过|然而|可能是|也许是|大概是|应该是|或许是|我猜|我觉得|我认为)(?:[^。！？]{0,12}?)(?:是|为|叫|在|猜|认为|觉得)",
    re.IGNORECASE,
)


PREFACE = re.compile(
    # Text that may precede an abstention without being an answer.
    r"(?:\bwell\b|\bhmm+\b|\b(?:i\'m |i am )?(?:very |so |really )?sorry\b|\bunfortunately\b|\bi apologi[sz]e[^.!?]*"
    r"|\bthat(?:\'s| is) an? \w+ (?:question|one)\b|\b\w+ question\b|\bas an ai[^.!?]*|\bthank[^.!?]*|\banswer:"
    r"|抱歉|对不起|很遗憾|您好|你好|这是一个\S{0,4}问题)",
    re.IGNORECASE,
)
SENTENCE = re.compile(r"[.!?](?=\s|$)|[。！？]|\n")

ELSEWHERE = {
    "es": re.compile(
        r"\bno (?:lo |la )?sé\b|\b(?:no tengo )?ni (?:la menor )?idea\b|\bno tengo (?:la menor |ninguna )?idea\b|\bdesconozco\b|\bno estoy segur|\bno (?:puedo|se puede) (?:responder|contestar|saber|determinar|decir)"
        r"|\bno se sabe\b|\bno recuerdo\b|\bquién sabe\b|\bdifícil de decir",
        re.IGNORECASE,
    ),
    "fr": re.compile(
        r"\bje (?:ne )?(?:le |la )?(?:sais|connais) pas\b|\baucune idée\b|\bje l'ignore\b|\bje ne suis pas (?:sûr|certain)|\bon ne sait pas\b|\bimpossible (?:de|à) (?:dire|savoir|répondre)|\bje n'en sais rien\b"
        r"|\bje ne (?:me souviens|peux) pas|\bqui sait\b|\bdifficile à dire",
        re.IGNORECASE,
    ),
    "de": re.compile(
        r"\bweiß (?:ich )?(?:es |das )?(?:leider |wirklich )?nicht\b|\bkeine ahnung\b|\bich bin (?:mir )?(?:da )?nicht sicher\b|\bkann (?:ich |man )?(?:das |es |dazu )?(?:leider )?nicht (?:sagen|beantworten|wissen)"
        r"|\b(?:nicht bekannt|unbekannt)\W*$|\bwer weiß\b|\bschwer zu sagen|\bweiß man nicht",
        re.IGNORECASE,
    ),
}
"""Language → phrases; a phrase that an attempt follows ("aber ich glaube") does not count."""
ELSEWHERE_ATTEMPT = re.compile(
    r"\b(?:pero|mais|aber|doch)\b|\b(?:creo|quizás?|tal vez|je (?:pense|crois)|peut-être|ich (?:glaube|denke)|vielleicht)\b|:\s*\w",
    re.IGNORECASE,
)
SIMPLER = str.maketrans(
    "無確說難準誰沒曉記這問題關資訊對應該覺認為類實際還並時據數樣麼瞭",
    "无确说难准谁没晓记这问题关资讯对应该觉认为类实际还并时据数样么了",
)
"""The traditional characters of the phrases mapped to their simplified forms."""
