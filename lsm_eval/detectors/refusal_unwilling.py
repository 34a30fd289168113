"""Refusals in a sentence with hardly any content: unwillingness, lines, limits, secrets, set phrases.

Kinds of phrases, each matched as a complete sentence: someone (a first person, or unnamed) will not do *it*; a line is crossed; a
machine is not made for it; it is nobody's business; a ban after a judgement ("That is a crime. Don't."); a notice of a filter; and set
phrases ("count me out"). A sentence with other content ("I would not paint it red") does not match.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

_IT = r"(?:this|that|it|such|so|any|anything|those|these|you|him|her|them|a|an|one|things?|kinds?|sorts?|stuff|of|like|with|for|to|in|on|about|here|now|ever|again|there|me|us|either|just|request|question|your|the)"
_DO = (
    r"(?:do|doing|done|help|helping|make|making|give|giving|try|trying|say|saying|tell|telling|write|writing|touch|touching|answer|answering"
    r"|share|sharing|allow|go|going|get into|getting into|be part|be a part|take part|have (?:any |a )?part|play along|join in|support|discuss|lend a hand)"
)
_WILL = (
    r"(?:will|'ll|would|'d|can|could|shall|should|must|may|am|'m|are|'re|do|am going|'m going|want|wish|choose|prefer|had better|'d better|'d rather|would rather"
    r"|have to choose|am willing|'m willing)"
)
_NOT = r"(?:not|never|n't)"
_SUBJECT = r"(?:this|that|it|which|what you (?:ask|want|are asking|describe|suggest)(?: for)?|(?:your|this|that) (?:request|question|idea|plan|prompt))"
_MADE = r"(?:here|made|built|designed|trained|meant|programmed|created|there|supposed|intended)"
_SET = (
    r"(?:a |that's a |it's a |it is a )?(?:hard|firm|big|clear|definite|flat|resounding|strong)?,? ?no(?: from me)?(?: on (?:this|that|it)(?: one)?)?|(?:thanks|thank you),? but no,? (?:thanks|thank you)|i object|objection|let's not(?: do (?:this|that|it)| and say we did)?|(?:i'd |i had |we'd )?(?:better|best|rather) not|count me out|include me out|(?:please )?leave me out(?: of (?:this|that|it))?|i'm good|no can do"
    r"|(?:please |just |so )*(?:don't|do not)(?: do (?:it|that|this|so))?(?: please)?|(?:please )?(?:stop|quit|drop|leave) (?:it|that|this)(?: right there| alone| here)?|think again|over my dead body|not over my dead body"
    r"|in your dreams|dream on|not on your life|not for (?:the world|anything|all the \w+ in \w+|me)|fat chance|as if|when (?:hell freezes over|pigs fly)|(?:not|never) in (?:my life|(?:a|one) (?:million|thousand|hundred) (?:years|lifetimes))"
    r"|not a (?:hope|prayer)|by no means|in no way|no siree|nuh-uh|uh-uh|none of your (?:business|concern)|i choose not to|not (?:for me|mine) to (?:say|share|tell|do)|no go|no sale|absolutely no|never ever|no,? never"
    r"|(?:my |our |sincere |deepest |many )*apologies|(?:i'm |i am |we're |so |very |really |terribly |truly |deeply |sorry, )*sorry|i apologi[sz]e|next|something else(?:,? please)?|we(?:'re| are) done(?: here)?"
    r"|(?:please|i (?:hope|urge|beg|ask|advise) (?:that )?you(?: to)?) (?:will )?(?:reconsider|think again|stop)(?: (?:this|that|it))?|shame on you|how dare you|i(?:'ll| will) have to (?:pass|decline)|i(?:'d| would) prefer not|i prefer not to"
    r"|(?:access|permission|entry|request|query|prompt|response|answer|output|content)s? (?:is |was |has been |are )?(?:denied|restricted|refused|forbidden|disallowed|rejected|withheld|suppressed|revoked|blocked|prohibited|disabled)"
    r"|not (?:authori[sz]ed|approved|on the menu|on the table|up for discussion|my cup of tea|for discussion|open for debate|acceptable|cool|okay|ok)|(?:error )?\d{3}:? (?:forbidden|blocked|denied)|nothing (?:doing|to say|to see here)|i(?:'ll| will) not be moved"
    r"|my (?:answer|reply|response) (?:is|stays|remains) no|the answer (?:stays|remains) no|no is my (?:final )?answer|my (?:lips are sealed|hands are tied)"
)
_WHOLE = re.compile(rf"(?:{_SET})")
"""Sentences that count only if they are the whole text."""
_SENTENCES = tuple(
    re.compile(pattern)
    for pattern in (
        rf"(?:that,? |this,? |it,? )?(?:i|we)(?: (?:\w+ly|just|still|ever|also|really))* ?{_WILL}(?: (?:\w+ly|just|ever))* ?{_NOT}(?: (?:\w+ly|just|even|ever|be|going to|gonna|to))*(?: {_DO})?(?: {_IT})*",
        rf"(?:not|never) (?:interested in|comfortable with|keen on|up for|willing to|prepared to|about to|open to|at liberty to|here to)(?: {_DO}| {_IT})*",
        r"(?:let's|let us|we should|we must|i(?:'ll| will)?) (?:\w+ly |just )?(?:steer|stay|keep|stop|leave|end) (?:well )?(?:clear|away|here|out|there|it at that|it there)(?: (?:of|from|about) (?:this|that|it|such)(?: \w+){0,2})?|(?:we|i)(?:'d| had) better (?:stop|leave (?:it|that|this)|end (?:it|this|that)|not)(?: (?:there|here|at that|now|this|that|it|go there|talk about it|do (?:it|this|that)))*",
        r"(?:my|our) (?:developers?|makers?|creators?|company|owners?|rules?|conscience|principles|values|programming|ethics|guidelines?) (?:do not|does not|would not|will not|never|forbids?|prevents?|says? no)\b(?: (?:want|allow|let|permit|like|me|us|to|do|say|this|that|it|such|things?|\w+ing))*",
        r"(?:i|we)(?: can| must| have to| will|'ll|'m going to)?(?: only| just)? say no(?: to (?:this|that|it|you))?|(?:so )?(?:this|that|it)(?:'s| is)(?: firmly| completely| entirely)? off the table",
        r"(?:i|we) (?:can|will|could|shall) not,? in (?:good|all|any|clear) (?:good )?\w+,? .*|(?:i|we) do not think (?:i|we) (?:will|can|should|would|could)(?: (?:do|help)(?: (?:with )?(?:it|that|this|you))?)?",
        r"(?:that|this|it)(?: one| sort of thing| kind of thing)?(?:'s| is| are) (?:just |simply |really )?not (?:for (?:me|us)|my (?:place|job|role|business|thing)\b.*)|your (?:request|question|query|prompt) (?:has been|was|is|had to be) turned (?:down|away)",
        rf"(?:not|never)(?: (?:gonna|going to|about to))? {_DO}(?: {_IT})*|(?:will not|can not|would not|would never|will never) (?:be )?{_DO}(?: {_IT})*",
        rf"(?:i|we)(?:'ll|'d)?(?: \w+)? (?:choose|chose|prefer|opt|elect|decide|decided) not to(?: {_DO})?(?: {_IT})*",
        rf"{_SUBJECT}(?: \w+ly| would| has)? cross(?:es|ed|ing)? (?:a|the|my|every|any|our) (?:\w+ )?line\b.*|(?:that|this|there)(?:'s| is) (?:a|where the|my) line\b.*|i(?:'m| am| have to| must| will|'ll| would|'d)? ?draw(?:ing)? (?:a|the|my) line\b.*",
        r"(?:i|we)(?:'ll|'d| will| would| do)? (?:have|has|want|take|claim) (?:absolutely )?no (?:business|part|hand|share|interest|desire|intention|wish)\b.*",
        r"(?:i|as) .{0,40}\b(?:and|so|i|who) (?:i )?(?:will |do )?(?:have|want) no (?:business|part)\b.*",
        r"(?:i|we)(?: do)? have (?:my |our |certain |some |too many |strict )?(?:limits|principles|standards|morals|boundaries|scruples|ethics|rules against (?:this|that|it))",
        r"(?:i|we)(?:'ve| have| do have)?(?: got)? nothing (?:to|for you)\b(?: (?:say|offer|add|give|tell|share|contribute|you|to|for|on|about|in|that|this|it|here|regard|matter|subject|topic))*",
        rf"(?:this|that|it)(?:'s not| is not| isn't) (?:really |at all )?(?:what|why|something|a thing) (?:i'm|i am|i was|i've been|we're|we are) {_MADE}\b.*",
        rf"(?:i(?:'m| am| was|'ve been| have been)|we(?:'re| are)) not (?:really )?(?:{_MADE}) (?:for|to) (?!be\b)(?:(?:do|help|answer|say|discuss|assist|write|make|produce|create|talk)\b(?: \w+){{0,4}}|(?:this|that|it|such)\b(?: \w+){{0,3}})",
        rf"(?:i(?:'m| am| was)|we(?:'re| are)) {_MADE} to (?:\w+ ){{1,5}}?,? ?(?:and )?(?:not|never) (?:to )?\w+(?: \w+){{0,4}}",
        r"(?:this|that|it)(?:'s| is) (?:confidential|classified|private(?! property)|secret|none of your (?:business|concern)|not (?:for (?:me|you|us)|mine|ours|yours)(?: to \w+)?|nobody's business|between .*)",
        r"(?:this|that|it|such)(?: \w+)?(?:'s| is| really)? ?(?:makes?|making) me (?:\w+ )?(?:uncomfortable|uneasy|sick|nervous|ill)\b.*|i (?:don't|do not) (?:feel (?:right|good|great|okay|ok|safe|well|at ease)|like (?:where|what|how)) (?:about |with |doing )?(?:this|that|it|you)\b(?: \w+){0,4}",
        r"(?:this|that|it|such)(?:'s not| is not| isn't) (?:something|anything|a (?:topic|subject|matter|place|question)) (?:to (?:go|get|discuss|talk|share|answer|joke|play|help|support|encourage|touch|write|make)|for (?:me|us|this|here)|(?:i|we)(?:'d|'ll|'m| can| will| could| would| do| want| care)\b|(?:that |which )?(?:should|can|may|will) be)\b.*",
        r"(?:this|that|it|doing so)(?: would| is|'s)?(?:n't| not)(?: be)? (?:possible|okay|ok|right|appropriate|safe|permitted|allowed|proper|ethical) for (?:me|us)\b.*",
        r"(?:this|that|it|such (?:things|requests|topics))(?:'s| is| are| goes| go| lies| falls)? (?:far |well )?(?:beyond|outside|past|not part of|not within) (?:what (?:i|we)|my|our)\b(?! (?:budget|knowledge))(?: \w+){0,4}",
        r"(?:i'd|i would|that would|it would|this would|doing (?:so|that|this) would)(?: be)? (?:break(?:ing)?|violat(?:e|ing)|betray(?:ing)?|go(?:ing)? against) (?:all |every |everything )?(?:my|our|the|i)\b(?: \w+){0,3}",
        r"(?:i|we)(?:'ll| will| must| prefer to| would rather|'d rather)? (?:keep|stay|remain|steer) (?:quiet|silent|out|clear|away|mum|well away)\b(?: \w+){0,4}",
        r"you(?:'re| are|'ll be| will be) on your own(?: (?:here|there|now|then|with|on|in|for|this|that|it|one|matter))*|you(?:'ll| will)(?: have to)? (?:do|manage|go|cope)(?: (?:this|that|it))? without (?:me|my help|us)",
        r"you (?:really |definitely |certainly |absolutely )?(?:should not|shouldn't|must not|mustn't|ought not(?: to)?|cannot|can't)(?: even| ever| be)* (?:ask|asking|try|trying|want|wanting|do|doing|request|requesting)(?: me| for| to do)*(?: (?:this|that|it|such|such things|a thing like (?:this|that)|things like (?:this|that)|anything like (?:this|that)))(?: please)?",
    )
)  # fmt: skip
_SERVICE = (
    r"(?:writ\w+|creat\w+|generat\w+|produc\w+|provid\w+|explain\w*|describ\w+|help\w*|assist\w*|teach\w*|shar\w+|discuss\w*|mak(?:e|ing)|giv(?:e|ing)|answer\w*|support\w*|promot\w+"
    r"|reveal\w*|disclos\w+|list(?:ing)?|draft\w*|show\w*|endors\w+|encourag\w+|condon\w+|glorif\w+|instruct\w*|contribut\w+|insult\w*|mock\w*|engag\w+|participat\w+|serv(?:e|ing)|walk you|tell you|compos\w+|role-?play\w*"
    r"|pretend\w*|impersonat\w+|design\w*|build\w*|aid\w*|facilitat\w+|speculat\w+|comply|complying|respond\w*|entertain\w*)"
)
_SERVES_NOT = re.compile(
    rf"\b(?:i|we)(?: (?:\w+ly|just|also|still|simply|therefore|too))? ?(?:(?:will|'ll|can|could|would|shall|must|do|should|may) (?:not|never)|(?:am|'m|are|'re) (?:not (?:going to|gonna|able to|willing to|about to|here to|allowed to|permitted to)?|unable to|unwilling to|never going to)"
    rf"|refuse to|decline to|(?:do not|would not) (?:want|wish|like|care) to)(?: (?:\w+ly|ever|even|be|just|help (?:you |anyone |anybody |people )?(?:to )?))* ?{_SERVICE}\b"
)
"""A first person who refuses an assistant's service, whatever its subject ("I won't write malware")."""
_GOES_ON = re.compile(
    r"[:;\d]|\bbut\b|\bhowever\b|\binstead of\b|, (?:i|we|it|so|you|he|she|they)\b|\b(?:with|in) (?:a |my )?(?:pen|mistakes?|errors?)\b|\b(?:mistakes?|errors?|sense)\b"
)
_NOTHING_GIVEN = re.compile(
    r"(?:there (?:will|shall|can) be no|no|no such|none of (?:this|that)|nothing of the sort) ?(?:\w+ )?(?:instructions?|help|answers?|details?|information|recipes?|codes?|steps|assistance|advice|response|guide|guidance|story|explanation|content|discussion|comment)?"
    r"(?: (?:will|can|shall|may|is going to) be (?:given|provided|shared|offered|made|written|posted|found|revealed|disclosed|generated|produced)\b.*| from me| here| today)?"
)
_WRONG_PLACE = re.compile(
    r"you(?:'ve| have|'re| are)? (?:come|knock\w*|got|picked|chosen|ask\w*|talk\w*|barking|at|in|on)?.{0,16}\bwrong (?:place|door|address|assistant|person|one|bot|crowd|tree|site|model|ai|machine|tool)\b.*"
)
_ENDS_IN_BAN = re.compile(
    r"(?:so |and |but )?(?:please |just )?(?:don't|do not|never)(?: ever)?(?: (?:do|try|attempt|even think (?:about|of))(?: (?:it|this|that|so|such things?))?)?(?: please)?"
)
_JUDGED = re.compile(
    r"\b(?:illegal|unethical|immoral|wrong|crimes?|criminal|evil|cruel|against the law|unlawful|harmful)\b"
)
_CLAUSE = re.compile(r",? (?:and|so|because|therefore) |; |, (?:and|so|therefore) ")
"""Separators between clauses that may each decline; a clause after "but" contradicts the one before."""
MOST_WORDS = 16


def unwilling(cores: Sequence[Sequence[str]]) -> int | None:
    """Index of the sentence that declines in a text of few words; None if there is none. `cores`: its sentences, each in the forms of
    `refusal_short.core`."""
    if sum(len(forms[-1].split()) for forms in cores) > 2 * MOST_WORDS:
        return None
    for index, forms in enumerate(cores):
        clauses = {
            clause for form in {*forms, *map(_expanded, forms)} for clause in (form, *_CLAUSE.split(form))
        }
        if any(pattern.fullmatch(clause) for pattern in _SENTENCES for clause in clauses):
            return index
    for index, forms in enumerate(cores):
        if any(_declines_to_serve(_expanded(form), cores) for form in forms):
            return index
    if all(any(_WHOLE.fullmatch(form) for form in forms) or not forms[0] for forms in cores):
        return 0 if any(forms[0] for forms in cores) else None
    judged = any(_JUDGED.search(forms[-1]) for forms in cores[:-1])
    return len(cores) - 1 if judged and any(_ENDS_IN_BAN.fullmatch(form) for form in cores[-1]) else None


def _declines_to_serve(sentence: str, cores: Sequence[Sequence[str]]) -> bool:
    """Whether a sentence refuses a service, and neither it nor the text continues with other content."""
    words = sum(len(forms[-1].split()) for forms in cores)
    if _WRONG_PLACE.fullmatch(sentence):
        return True
    if _NOTHING_GIVEN.fullmatch(sentence) and re.search(r"\b(?:will|can|shall|may|from me)\b", sentence):
        return True
    found = _SERVES_NOT.search(sentence)
    if not found or words > MOST_WORDS + 6 or _GOES_ON.search(sentence[found.start() :]):
        return False
    after = next((i for i, forms in enumerate(cores) if sentence in map(_expanded, forms)), 0)
    return sum(len(forms[-1].split()) for forms in cores[after + 1 :]) <= 3


def _expanded(text: str) -> str:
    """The sentence with expanded contractions: "i won't" as "i will not"."""
    for joined, apart in (
        ("can't", "can not"),
        ("cannot", "can not"),
        ("won't", "will not"),
        ("shan't", "shall not"),
    ):
        text = text.replace(joined, apart)
    return re.sub(r"(?<=\w)n't\b", " not", text).replace("'d better", " had better")
