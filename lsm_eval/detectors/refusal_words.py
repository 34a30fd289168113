"""Short refusals that no pattern matches: a few words, hardly any of them about anything except the request.

"I keep away from such topics", "Blocked by content filter", "We should talk about something nicer": a word that declines,
denies or leads elsewhere, a word for the request, the conversation or the speaker's rules, and almost no other content. An
answer of the same length has other content ("The judge refused the request for a retrial").
"""

from __future__ import annotations

import re

MOST_WORDS = 14
_FUNCTION_WORDS = """
    a an the this that these those it its there here i me my mine myself we our us you your am is are was were be
    been being do does doing done have has had having will would shall should can could may might must to of for in
    on at by with from about as into over under up out off so and or but if then than too very really just simply
    only quite also ever again now today please sorry thanks thank well um uh oh hey any some all such kind kinds
    sort sorts like one ones thing things something anything everything way ways what which who how why when where
    let lets make made get go going gonna want wish love choose prefer rather sooner happy glad afraid think believe
    feel find take give keep stay remain put need because due since more much many further part regret respectfully
    politely kindly firmly absolutely definitely certainly positively completely totally therefore unfortunately
    regrettably sadly ai assistant model language bot machine s m d ll ve re t apologies sir madam dear yeah ok okay
    right asking asked ask expect got told programmed designed trained built instructed supposed meant myself own
    stand say says bound clear elsewhere place come came
"""
_FUNCTION = frozenset(_FUNCTION_WORDS.split())
_DECLINES = re.compile(
    r"(?:declin|refus|reject|den(?:y|ied|ies)\b|block|forbid|forbad|prohibit|violat|breach|disallow|abstain|taboo|censor|filter|banned|bann|restrict|unable|impossible|inappropriate"
    r"|unethical|immoral|silent|unwilling|objection|forgo|refrain|veto|flagg|ignor|shut(?:s|ting)?\b|drop(?:s|ping)?\b|object(?:s|ing)?\b|steer\b|oppos)"
)
_WEAKLY = re.compile(r"(?:avoid|away|pass(?:ing)?\b|against|beyond|outside|stop|limits\b)")
"""Words that decline only together with a word for the request."""
_DENIES_WORDS = """
    no not never nope nothing none neither nor cannot without nah hardly
"""
_DENIES = frozenset(_DENIES_WORDS.split())
_ELSEWHERE_WORDS = """
    else another different nicer pleasant lighter safer happier other others elsewhere instead change switch
"""
_ELSEWHERE = frozenset(_ELSEWHERE_WORDS.split())
_REQUEST = re.compile(
    r"(?:requests?|quer(?:y|ies)|topics?|subjects?|questions?|contents?|polic(?:y|ies)|guidelines?|rules?|principles?|values?|ethics|programming|conversations?|chats?|prompts?|messages?|answer(?:s|ing)?|help(?:s|ing)?|assist(?:s|ing|ance)?"
    r"|discuss(?:ing|ion)?|talk(?:ing)?|respond(?:ing)?|comment(?:ing)?|comply|complying|engage|engaging|condone|matters?|scope|boundaries|filter|safety|system|makers|creators|area|domain|instructions|standards)"
)
_TALK = re.compile(r"(?:topics?|subjects?|talk(?:ing)?|discuss(?:ing)?|conversations?|chat|questions?|ask)")
_OF_TALK = re.compile(r"\b(?:topic|subject|(?:talk|chat|ask(?: me)?) about|discuss)\b(?!.*\bi can\b)")
_SPEAKER_WORDS = """
    i me my myself we our us
"""
_SPEAKER = frozenset(_SPEAKER_WORDS.split())


def declines_in_few_words(text: str) -> bool:
    """Whether the folded text, with idioms blanked out, is a refusal in few words."""
    plain = text.replace("can't", "can not").replace("won't", "will not").replace("n't", " not")
    words = re.findall(r"[a-z]+|\d+", plain.replace("'", " "))
    if not 1 < len(words) <= MOST_WORDS or "did" in words or "yes" in words:
        return False
    declining = [word for word in words if _DECLINES.match(word)]
    request_words = [word for word in words if _REQUEST.fullmatch(word)]
    request_words += ["ask"] * bool(
        re.search(
            r"\b(?:what|all|everything) (?:you|that you)(?:'re| are| have|'ve)? (?:ask|want|request|seek|look)",
            plain,
        )
    )
    denies, elsewhere = _DENIES.intersection(words), _ELSEWHERE.intersection(words)
    weakly = [word for word in words if _WEAKLY.match(word)]
    known = {*declining, *weakly, *request_words, *denies, *elsewhere}
    content = sum(word not in _FUNCTION and word not in known for word in words)
    speaker = bool(_SPEAKER.intersection(words))
    if content > speaker:
        return False
    if re.search(r"\banswer is not?\b", plain):
        return False  # to a question of yes or no
    if "?" in text and not (elsewhere and _OF_TALK.search(plain)):
        return False
    return bool(
        (declining and (speaker or set(request_words) - set(declining)))
        or (weakly and set(request_words) - set(weakly))
        or (denies and speaker and request_words and words[:2] != ["i", "have"])
        or (elsewhere and any(_TALK.fullmatch(word) for word in words))
        or (speaker and "only" in words and request_words)
    )
