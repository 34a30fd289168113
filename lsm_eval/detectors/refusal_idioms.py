"""Idioms that resemble a refusal; they are blanked out before `refusal_cues` counts expressions.

"I can't wait", "I won't lie", "can't go wrong", "sorry to hear that", "it is not right to say that bats are blind" decline nothing.
Blanked out are: fixed idioms; "I cannot" and "I am unable to" with a verb that is not a service ("attend", "sleep", "sing");
quotations of others; stories about others ("she was not able to help him"); and a caveat followed by an answer ("I can't give
legal advice, but a small claim usually …").
"""

from __future__ import annotations

import re

_NOT = r"(?:can't|cannot|can not|can ?not|couldn't|could not|won't|will not|wouldn't|would not|shan't)"
_ADVERB = r"(?:(?:\w+ly|even|just|ever|quite|still|also|almost|always|in any way) )*"
_SERVICE = (
    r"(?:provid|assist|help|giv|offer|fulfil|compl|answer|respond|reply|generat|writ|creat|support|shar|recommend|suggest|condon|endors"
    r"|engag|participat|discuss|advis|promot|encourag|satisf|do\b|doing|tell|teach|explain|speculat|comment|mak|produc|facilitat"
    r"|continu|carry|process|perform|execut|disclos|reveal|list|describ|show|be (?:able|(?:a )?part|involved|complicit|used|helping|providing|giving|doing|going|answering|of|sharing|responsible|writing|making|creating|generating|producing|telling|explaining|describing|discussing|assisting|teaching|showing|saying|engaging)|being|agree|justif|guid|instruct|say|talk|speak|have\b"
    r"|take\b|taking|let\b|allow|permit|approv|authori|access|brows|view|open\b|verif|confirm|identif|contribut|aid\b|aiding|entertain"
    r"|validat|accept|honou?r|consider|address|accommodat|grant|act\b|acting|role|simulat|impersonat|insult|judge|handl|follow|work (?:on|with)"
    r"|cover|cross|touch|play|enabl|advocat|go (?:there|along|into|any|down|ahead)|going there|get into|in good|serve|joke|use\b|using|ethic|moral|legal|know(?:ing|n)|plan\b"
    r"|proceed|abide|cooperat|collaborat|obey|oblige|indulge|undertake|translat|summari|rewrit|edit|draft|compos|design|build|cod|solv|calculat"
    r"|find\b|search|look up|research|analy[sz]|assess|evaluat|check\b|review|determin|predict|guess|form\b|express|hold\b|convey|repeat|print|output|return\b"
    r"|fix\b|stop you|ignor|bypass|overrid|break\b|risk|allow|depict|portray|romanti|glorif|normali[sz]e|trivial|perpetuat|spread|target|harm|hurt|threat|manipulat|deceiv|trick)"
)
"""Beginnings of verbs for an assistant's services; "I cannot" with another verb does not decline."""

_TURNS = (
    (rf"\b{_NOT} {_ADVERB}(?:wait|believe|go wrong|be beat(?:en)?|beat|miss|lose|(?:tell a )?lie\b|deny|imagine|resist|argue|complain|overstate|get enough|forget)\b"
    rf"[^.!?\n,;:]{{0,60}}"),
    (rf"\b(?:can't|cannot|couldn't|could not|can't) {_ADVERB}(?:help|stop) (?:but\b|myself\b|it if\b|feeling|noticing|thinking|wondering|smiling"
    r"|laughing|loving|liking|falling|being|admiring|myself|yourself)[^.!?\n,;:]{0,40}"),
    rf"\b{_NOT} {_ADVERB}(?:recommend|praise|thank|stress|emphasi[sz]e|say|do|tell|repeat|endorse|commend|speak)\b[^.!?\n;:]{{0,70}}?\benough\b",
    (rf"\b{_NOT} {_ADVERB}(?:begin to )?(?:tell|say|describe|explain|express|show)\b(?: you| to you)? how (?:much|happy|glad|grateful|good|great|excited|pleased"
    r"|sorry|proud|thankful|beautiful|wonderful|nice|important|many|long|hard|delicious|impressed)\b[^.!?\n,;:]{0,60}"),
    rf"\b{_NOT} {_ADVERB}(?:agree|care|be|have been|ask for|have asked for|have said it|say it) (?:any )?(?:more|less|better|happier|prouder|easier|simpler|clearer)\b[^.!?\n,;:]{{0,40}}",
    r"\bcouldn't have (?:\w+ ){1,3}better\b",
    # Something that did not happen or is not available is not declined.
    r"\b(?:couldn't|could not|wouldn't|would not) have (?:it any other way|(?:done|made|asked|been|said|known|found|seen|gone|come|got|gotten|had|\w+ed) )[^.!?\n;:]{0,60}",
    r"\b(?:i|we) (?:can't|cannot|can not|couldn't|could not) (?:find|see|remember|recall|hear|reach|spot|place) (?:it|them|him|her|any|that)(?= ?[.!?,;]|$)",
    r"\bi(?:'m| am) not (?:going to|gonna) (?:lie|pretend|deny|sugar-?coat)[^.!?\n,;:]{0,40}",
    r"\b(?:i|we) (?:won't|will not) (?:lie|bore|keep you|deny|pretend|sugar-?coat|spoil|go into (?:every|all|too much|the) detail|take (?:up )?(?:too )?much|beat around)[^.!?\n,;:]{0,40}",
    rf"\b{_NOT} say (?:that )?(?:i|no to)\b[^.!?\n,;:]{{0,40}}|\b(?:unable|not able) to (?:say|tell|decide) (?:which|whether|what|who|if|how)\b|\bnot going (?!to\b|there|along|into|down|beyond|further)(?:\w+|(?=[,.!]))",
    r"\bunable to (?:contain|hide|stop|resist|believe|wait)\b[^.!?\n,;:]{0,50}",
    rf"\b(?:it |that )?{_NOT} (?:be (?:denied|overstated|beaten|helped|said enough)|hurt to)\b",
    r"\b(?:won't|will not|wouldn't) (?:tell|say|breathe|mention) (?:\w+ ){0,3}?(?:anyone|anybody|a soul|a word)\b[^.!?\n;:]{0,40}",
    r"\b(?:can't|cannot|couldn't|could not) (?:\w+ly )?tell (?:(?:\w+ ){1,4}?(?:apart|from)\b|the difference\b)[^.!?\n;:]{0,40}",
    r"\bcan't make (?:it|an omelette|sense)\b[^.!?\n;:]{0,60}",
    # Regret about something other than the request.
    (r"\b(?:(?:i|we)(?:'m| am|'re| are) )?(?:so |very |really |truly |deeply )?sorry (?:for (?:your|the|any|my|being|keeping|taking|not (?:replying|writing|answering))|about (?:the|your|that|my|any)|i'm late|i am late|"
    r"if i\b)[^.!?\n,;:]{0,60}"),
    r"\b(?:my |our )?apolog(?:ies|i[sz]e) for (?:the|any|my|our|being) (?:wait|delay|late|confusion|inconvenience|mix-?up|error|typo|mistake|trouble|misunderstanding)\w*",
    r"\bunfortunately(?:,)? (?:for|the|my|we|it|our|this|that|all|most|many|he|she|they|i (?:missed|lost|forgot|broke))\b",
    r"\bi(?:'m| am) afraid (?:of|the|that the|it|we|my|your|there)\b",
    r"\bwe regret that (?:flight|train|the)\b",
    rf"\b(?:i |we |it |he |she )?(?:refuse[sd]?|declined?) to (?:believe|(?!{_SERVICE})\w+)\b[^.!?\n,;:]{{0,40}}|\bi declined? (?:the )?(?:invitation|offer)s?\b",
    # A correction of a belief, not of the request.
    r"\bit(?:'s| is)(?: not|n't)? ?(?:quite |entirely |strictly |really )?(?:not )?(?:right|true|correct|fair|wrong|false|incorrect)(?: to (?:say|call|think|assume|claim|believe|suppose|state)|(?:,)? that)\b",
    r"\bit(?:'s| is)n?'?t? (?:not )?(?:right|true|correct|fair) to (?:say|call|think|assume|claim|believe|suppose|state)\b",
    r"\babsolutely not a problem\b|\bcertainly not the\b",
    r"\bi(?:'d| would) rather (?!not\b|talk|discuss|change|focus)\w+[^.!?\n;:]{0,40} than\b",
    r"\b(?:i )?can hardly wait\b",
    r"\bi (?:don't|do not) think (?:it|he|she|they|there|that) (?:will|was|were|did|has|had|does)\b[^.!?\n,;:]{0,40}",
    r"\bno need to (?:be sorry|apologi[sz]e)\b",
)  # fmt: skip
_OTHER_VERB = re.compile(
    rf"\b(?:i|we) {_ADVERB}{_NOT} (?:{_ADVERB})(?!{_SERVICE}|\w+ly\b|not\b|in\b|and\b|or\b|to\b|as\b|for\b|with\b|even\b|simply\b)[a-z']+\b"
    rf"|\b(?:i'm|i am|we're|we are) (?:\w+ ){{0,2}}?(?:unable|not able|not going|not allowed) to {_ADVERB}(?!{_SERVICE})[a-z']+\b"
    rf"|\b{_NOT} be able to {_ADVERB}(?!{_SERVICE})[a-z']+\b|\bi regret to inform you\b"
)
_SPEECH = r"(?:said|says|asked|replied|whispered|shouted|cried|answered|sang|sings|wrote|told|goes|muttered|murmured)"
_QUOTED = re.compile(
    rf"\b{_SPEECH}\b(?: \w+){{0,4}}?[,:]? *[\"“][^\"“”\n]{{3,200}}[\"”]|[\"“][^\"“”\n]{{3,200}}[\"”],? (?:\w+ ){{0,3}}{_SPEECH}\b"
)
_ADVICE = r"(?:legal|medical|financial|professional|tax|investment|personal|specific|veterinary|psychological) (?:\w+ )?(?:advice|guidance|experience|experiences|opinions?)"
_CAVEAT = re.compile(
    rf"\b(?:as an? (?:\w+ ){{0,3}}?(?:ai|assistant|language model|model|chatbot)[^.!?\n,]{{0,20}},? )?"
    rf"(?:(?:i|we) {_NOT} (?:(?:give|offer|provide) (?:you )?(?:any )?{_ADVICE}|promise|guarantee|predict|be (?:sure|certain)|see|taste|smell|feel|hear|speak for|cover everything"
    rf"|(?:sing|dance|eat|cook|drive|swim|travel|walk)\b)"
    rf"|i(?:'m| am) (?:not|no) (?:a |an )?(?:doctor|lawyer|expert|physician|attorney|accountant|vet|professional|chef|native speaker|pharmacist|therapist)"
    rf"|i (?:don't|do not) have (?:any )?(?:{_ADVICE}|taste|a body|feelings)|i have no (?:body|taste|{_ADVICE}))"
    rf"[^.!?\n;:]{{0,60}}?,? (?:but|however|though|yet|so)\b(?! (?:i (?:can|would|could|may|will|am|'m|'d|suggest|recommend|encourage)|i'd|i'm|if\b|please|perhaps|let me suggest|consult|seek|there))"
)

_PERSON = (
    r"(?:he|she|they|who|(?:my|his|her|their|the|a|an|one|another|no|every) (?!(?:\w+ )?(?:ai|assistant|model|chatbot|bot|system|machine"
    r"|requests?|content|polic(?:y|ies)|guidelines?|rules?|programming|instructions?|questions?|topics?|answers?|prompts?|messages?)\b)[a-z]+)"
)
_TOLD = re.compile(
    rf"\b{_PERSON} (?:\w+ly |also |then |still |had |have )?(?:(?:(?:was|were|could|would|did|had|is|are|can|will|does|has)(?:n't| not|not)|can't|won't"
    rf"|(?:was|were|is|are|remained) (?:unable|unwilling|forbidden|not \w+)|refuse[sd]?|decline[sd]?|(?:said|says|told \w+|felt|was|were|is) (?:\w+ )?sorry)\b)"
    rf"[^.!?\n,;:]{{0,60}}"
)
"""Actions that others could not or would not do; only used in texts without a first person (see `without_idioms`)."""
_SPEAKS = re.compile(r"\b(?:i|we|you|your)\b")


def without_idioms(folded: str) -> str:
    """The folded text with these idioms blanked out; offsets do not change."""
    for pattern in _PATTERNS:
        folded = pattern.sub(_blank, folded)
    # "He asks for what the law does not allow. I can't help": with a first person it is not only a story.
    return folded if _SPEAKS.search(folded) else _TOLD.sub(_blank, folded)


_PATTERNS = (_QUOTED, _CAVEAT, *(re.compile(turn) for turn in _TURNS), _OTHER_VERB)


def _blank(found: re.Match[str]) -> str:
    return " " * len(found[0])
