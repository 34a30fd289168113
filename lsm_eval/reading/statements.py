"""Phrases that state an answer ("the answer is …", "I choose …", "… is correct"), in several languages."""

from __future__ import annotations

import re

_ENGLISH = (
    (
        r"\b(?:answer|ans|option|choice|letter|selection|pick|response|solution)s?\b"
        r"(?: (?:to|for|of) (?:this|the|that|your)(?: \w+)? ?(?:question|problem|one|item)?| here| (?:that|which|I) [^.;:!?\n]{1,40}?)?(?:\(s\))?[\"']?\s*"
        r"(?:'s|is|was|are|would(?: have to)? be|should be|must be|has to be|will be|remains|[:.=]|->|→|—)"
    ),
    (
        r"\bI(?:'d|'ll|'m| would| will| have to| must| am)?\s*(?:\w+ly )?(?:choos\w+|chose|pick\w*|select\w*|go(?:ing)? (?:with|for)|"
        r"went with|answer(?: with)?|vote for|opt(?:ed)? for|settle on|conclude(?: that)?)"
    ),
    r"\b(?:choose|pick|select|go with|choosing|selecting)\b",
    (
        r"\b(?:so|therefore|thus|hence|consequently|in conclusion|conclusion|finally|final)\b[,:]?\s*(?:it(?:'s| is| must be| has to be)|"
        r"that(?:'s| is| leaves)|this is)?"
    ),
    r"\b(?:answer|final answer)\b",
)
_OTHERS = (
    r"(?:而|应该|应当)(?:应该|应当|应)?是|(?:答案|选项|回答|解答)(?:应该|应当|应|就|只能|可能)?(?:是|为|选择|选|:|=)?",
    r"(?<!不)(?<!能)(?<!别)(?:选择|选)(?:的是|了)?(?:选项)?:?",
    r"(?:答え|正解|回答)(?:は|:)",
    r"(?:정답|답)(?:은|는|:)?",
    r"\br[ée]ponse(?: (?:correcte|finale|exacte|juste))?\s*(?:est|serait|:)?|\bje (?:choisis|choisirais|dirais|sélectionne)",
    r"\b(?:lösung|antwort\w*)(?: (?:ist|lautet|wäre)|:| )|\brichtig(?:e \w+)?(?: ist|:)|\bich (?:wähle|nehme|würde)",
    r"\b(?:respuesta|opción)(?: (?:correcta|final))?\s*(?:es|sería|:)?|\b(?:elijo|escojo|selecciono)",
    r"\brisposta(?: (?:corretta|esatta|giusta))?\s*(?:è|:)?|\bscelgo",
    r"\bresposta(?: (?:correta|certa|final))?\s*(?:é|:)?|\bescolho",
    r"\bantwoord(?: is|:)|(?<!\w)ответ\s*[:—–-]?|\bcorrect\s*:",
    r"(?:الجواب|الإجابة|الاجابة)(?: \w+)?\s*(?:هو|هي|:)?|ค(?:\u0e33|\u0e4d\u0e32)ตอบ(?:ที่ถูกต้อง)?(?:คือ|:)?\s*|(?<!\w)(?:đáp án|câu trả lời)(?: \w+){0,2}?\s*(?:là|:)",
    r"\bjawaban\w*(?: yang \w+)?\s*(?:adalah|ialah|:)|\bcevap\w*\s*:?|\bodpowied\w+(?: \w+)?\s*(?:to|:)|\bsvar\w*(?: är| er|:)",
)
CUE = re.compile("|".join((*_ENGLISH, *_OTHERS)), re.IGNORECASE)
"""Matches up to the start of the answer."""

_RIGHT = (
    r"correct|right|best|true|accurate|appropriate|suitable|my (?:answer|choice)|(?:the )?answer|richtig|korrekt|"
    r"correcte?|juste|correct[ao]|corrett[ao]|giust[ao]|esatt[ao]|corret[ao]|cert[ao]"
)
_SURE = r"(?:the |most |clearly |definitely |therefore |thus |probably |likely |only |die |la |le |el |il |a |o )*"
_WRONG = (
    r"incorrect|wrong|false|inaccurate|inappropriate|ruled out|eliminated|unlikely|falsch|fausse|incorrecte|"
    r"incorrect[ao]|sbagliat[ao]|errad[ao]"
)
AFFIRMED = re.compile(
    rf"(?i)\s*[)\].\"']?\s*(?:(?:is|are|was|seems|appears|would be|must be|has to be|ist|est|es|è|é)\s+(?:to be )?{_SURE}"
    rf"(?:{_RIGHT}|what i)(?!\w)|[:=?]\s*(?:yes|true|right|correct)(?!\w)|\s(?:fits|works|makes (?:the )?(?:most )?sense|"
    rf"would be my (?:choice|answer))(?!\w)|(?:项|选项)?\s*(?:是|为|最)?\s*(?:正确|对的|最(?:佳|合适|恰当))|(?:が|は)?(?:正解|正しい|答え)|(?:です|である|だ(?=[。、\s]|$)|입니다|이다))"
)
"""Follows a label that is said to be right."""
DENIED = re.compile(
    rf"(?i)\s*[()\].:\"']?\s*(?:(?:is|are|was|were|seems|appears|would be|must be|ist|est|es|è|é)\s+"
    rf"(?:clearly |definitely |also |therefore |simply |obviously |just |probably )*(?:not|nicht|{_WRONG}|out|impossible)(?!\w)|"
    rf"[-–—,=]?\s*(?:{_WRONG})(?!\w)|(?<=[:=])\s*no(?!\w)|\?\s*no(?!\w)|(?:isn't|aren't|wasn't|n'est pas|no es|non è|não é)(?!\w)|"
    rf"(?:can|could|may|must|should|(?:are|is|have|has) to) be (?:safely |immediately |easily )?(?:ruled out|excluded|eliminated|discarded|rejected|dismissed)\b|"
    rf"(?:can't|cannot|can not|couldn't) be (?:right|correct|true|the|it)\b|"
    rf"(?:项|选项)?\s*(?:是|都)?\s*(?:不正确|不对|错|不是|不符|不可能|不选)|(?:では|じゃ)(?:な[いく]|ありません)|が?(?:誤り|間違い|不正解)|(?:이|가) 아니)"
)
"""Follows a label or an option's text that is said to be wrong."""
VERDICT = re.compile(
    r"(?i)[\W_]*\w{1,2}\s*[.):\]、]\s*[-–—✓✔✅]*\s*(?:correct|right|true|yes|正确|对|是)\W*$"
)
"""A listed option that is only said to be right."""
UNSURE = re.compile(
    r"(?i)\b(?:probably|definitely|certainly|surely|likely|maybe|perhaps|it's|it is|its|that's|i(?: would|'d)? (?:think|say|guess|"
    r"believe|feel)(?: that)?(?: it is| it's)?|could(?: also)? be|might(?: also)? be|may(?: also)? be|must be|should be|has to be|"
    r"but(?: rather)?|lean(?:ing)? (?:to|towards?)|(?:i(?:'d)?|would) have to say|c'est|es ist|es la)\s+"
)
"""Weaker than a statement: a single one decides, but two that differ do not."""
WRONG_ONE = re.compile(r"(?i)\b(?:incorrect|wrong|false|worst|least \w+|eliminated)\s+$")
"""Precedes a statement about a wrong answer."""
ALONE = re.compile(
    r"(?i)(?:^|[,:;=!?\n…]|\.\s|\b(?:is|are|be|get|leaves|leaving|choose|say|with|clearly|ist|est|es|è|é|and|or|to))[\s\"'(]*$"
)
"""Matches up to a label at the end of a clause that is an answer: after a clause or such a word ("Sure, B.")."""
NAMED = re.compile(
    r"(?i)(?<!\w)(?:option|choice|letter|opción|opcion|opzione|opção|letra|lettre|buchstabe|alternative)\s+|选项\s*"
)
"""Matches up to a label, whatever is said about it."""
ASKED = re.compile(
    r"(?im)\n[ \t]*(?:next )?(?:question|q|context|passage|problem|human|user|example|问题|题目|问|上下文|文章)[ \t]*\d*[ \t]*[:.、]"
)
"""The place where a model that was not stopped continues with a question of its own."""
TURN = re.compile(
    r"(?i)\b(?:but|however|though|although|yet|nevertheless|aber|jedoch|mais|pero|ma)\b|但|然而|不过|可是"
)
REVISED = re.compile(
    r"(?i)\b(?:no,? wait|wait,? no|scratch that|correction|i meant?|on second thoughts?|or rather|oops|actually,? no)\b[\s,.:;—–-]*"
)
"""Takes back what comes before it: "A, no wait, C"."""
ORDINALS = ("first", "second", "third", "fourth", "fifth", "last")
ORDINAL = re.compile(
    rf"(?i)[\W_]*(?:(?:it(?:'s| is)|i (?:choose|pick|say)|the answer is) )?(?:the )?({'|'.join(ORDINALS)})(?: (?:one|option|answer|choice))?[\W_]*"
)
"""Names an option by its position."""
