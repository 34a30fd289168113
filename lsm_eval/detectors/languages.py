"""Recognises a text's language by script and common words, well enough to decide whether the phrases of a language apply.

It needs no model and no download. A text of Latin letters counts as English unless the words (and letters) of another language
outweigh the English ones, so that an English answer with a phrase in another language is still English.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter, defaultdict
from functools import lru_cache

_COMMON = {
    "en": "the of and to is are was were be been that this these those with for from it its as you your i my we our they their he she his her not "
    "have has had can cannot could will would should may do does did but or if at by on an which who what when where how there here than so "
    "about into more some any all please sorry help yes sure let me no a in him them us just also only because while then out up "
    "say says said means mean called name first one two make made take get go use used see like many most other after before over between through each every both few such very well much own same was must refuse refused decline request denied answer think know believe ask tell",
    "es": "el la los las un una unos unas de del que y en no es por para con su sus se lo le les al como más pero esta este esto está están son "
    "ser fue muy puedo puede puedes podemos hay sí si mi tu yo me te nos usted cuando donde también sobre porque eso ese esa desde hasta "
    "siento lamento ayudar ayudarte ayudarle solicitud aquí claro gracias hacer tiene tengo cómo qué soy estoy entre sin otra otro algo "
    "hola rechazo imposible niego prohibido petición información voy nada nunca jamás prefiero tema disculpa perdón hablar responder pregunta esas esos ayudo ayudaré haré quiero",
    "fr": "le la les un une des de du et en est que qui dans pour pas ne sur avec ce cette ces son sa ses au aux par plus mais ou où vous nous je "
    "il elle ils elles on se sont être avoir j'ai c'est n'est d'un d'une qu'il ne puis peux peut pouvons votre vos mon ma mes très bien sûr "
    "voici désolé désolée demande aider répondre fait comme si ça cela leur tout tous même aussi été refuse impossible non oui bonjour merci "
    "hors contenu sujet autre chose j'en suis navré navrée jamais rien moi",
    "de": "der die das den dem des ein eine einen einem einer und ist sind war nicht ich du er sie es wir ihr mit für auf von zu im in am an aus "
    "bei nach wie dass daß kann können kannst werde wird werden auch als aber oder wenn um so nur noch mir mich dir dich ihnen ihre mein "
    "meine leider hier über sehr kein keine keinen tut leid helfen anfrage bitte haben hat habe ja nein natürlich gerne zum zur dieser diese "
    "dieses dabei dafür etwas abgelehnt ablehnen frage antwort unmöglich darüber niemals möchte lieber entschuldigung",
    "pt": "recuso recuso-me nego negado jamais impossível os as um uma de do da dos das que em no na nos nas não é por para com seu sua se ao como mais mas isso este esta isto está "
    "são ser foi muito posso pode podemos há sim meu minha eu você vocês lhe me também sobre porque desculpe sinto muito ajudar ajudá-lo "
    "aqui claro obrigado fazer tem tenho pedido peço nem pelo pela lamento solicitação desculpa nada olá quando onde",
    "it": "rifiuto rifiuta spiace assolutamente impossibile il lo la i gli le un uno una di del della dei delle è che in non per con su sul sulla si al alla come più ma questo questa questi "
    "sono essere stato molto posso può possiamo c'è sì mio mia io tu lei mi ti ci anche perché dal dalla nel nella dispiace aiutarti aiutarla "
    "richiesta ecco certo grazie fare ho hai ha aiutare rispondere mi scusi scusa niente mai qui quando dove cosa spiacente",
    "nl": "nee weiger weigeren de het een en van is dat die in te niet ik je jij hij zij we wij met voor op aan er maar om ook als bij uit kan kunnen kunt zijn "
    "was wordt worden heeft heb hebben dit deze naar nog over geen mijn uw jouw spijt helpen verzoek hier natuurlijk graag wel door wat",
    "sv": "nej vägrar och att det som en ett är på för med jag inte kan du vi ni han hon de den till av har om men så från ska vill hjälpa tyvärr ledsen "
    "din dina min mitt mig dig eller när var vara här",
    "da": "nei nej nekter nægter og at det som en et er på for med jeg ikke kan du vi de den til af har om men så fra skal vil hjælpe hjelpe desværre dessverre ked "
    "beklager din dine min mig meg dig deg eller når var være her",
    "pl": "odmawiam i na że się nie to jest do jak za od po co czy ale dla mogę może są być był przez tego tej ten ta te tym mi ci pomóc przykro "
    "przepraszam prośba prośby oraz tylko już także jestem",
    "cs": "odmítám na se že je to do jak za od po co ale pro mohu může jsou být byl tento tato této mi vám ti pomoci bohužel omlouvám nemohu "
    "nemůžu tím který také jsem",
    "ro": "refuz și în la de pe cu nu este sunt un al ale care că din pentru mai dar sau pot poate să îmi pare rău ajuta aici acest această cererea "
    "îți vă nici am ai",
    "tr": "hayır reddediyorum ve bir bu da de için ile değil çok ama olarak gibi daha ne ben sen biz siz yardımcı olamam üzgünüm bunu şu var yok edemem yapamam "
    "konuda mı mi mu istek talebinizi veremem",
    "id": "menolak yang dan di ke dari untuk dengan tidak ini itu saya anda kamu adalah pada dalam bisa dapat maaf membantu akan oleh atau juga karena "
    "ada kami tersebut permintaan mohon boleh tak",
    "vi": "và của là có không tôi bạn cho với những các một được này trong xin lỗi thể giúp yêu cầu người khi đã cũng rất",
    "fi": "kieltäydyn ja on ei se että en olen voi hän ovat mutta myös kun joka tämä sinun minun auttaa valitettavasti pahoillani voin ole tai kuin pyyntö "
    "sitä tätä niin",
    "hu": "az és nem hogy egy is van ez azt meg de csak vagy mint már sajnálom tudok segíteni sajnos ebben nekem lehet ezt kérés mert még",
    "ca": "el la els les un una de del que i en no és per amb aquest aquesta això puc pot ajudar ho sento són ser molt però també està sobre "
    "us et em sol·licitud",
}  # fmt: skip
_LETTERS = {
    "es": "ñ¿¡",
    "pt": "ãõ",
    "de": "ß",
    "fr": "œëûùîô",
    "it": "ìò",
    "pl": "łęąśźżń",
    "tr": "ğış",
    "vi": "ơưđạảấầẩậắằặẹẻẽếềểệỉịọỏốồổộớờởợụủứừửựỳỵỷỹ",
    "cs": "řěůžčš",
    "hu": "őű",
    "ro": "țșă",
    "sv": "å",
    "da": "øæ",
}
"""Letters that rarely occur in the other languages of the list; each distinct letter counts like a word."""
_SHARE = 0.08
"""Least share of words that are common words of another language; in real text it is a third or more."""
_QUOTED = re.compile(r"[\"“„«][^\"“”„«»\n]{2,300}[\"”“»]|(?<!\w)'[^'\n]{2,200}'(?!\w)|‘[^’\n]{2,200}’")
_WORD = re.compile(r"[^\W\d_]+(?:['’·-][^\W\d_]+)*")
OTHER = "other"
"""A script or a language that is not in the list."""


@lru_cache(maxsize=1)
def _words() -> dict[str, dict[str, float]]:
    """Word → language → weight: one over the number of languages that have the word."""
    sets = {language: frozenset(words.split()) for language, words in _COMMON.items()}
    counts = Counter(word for words in sets.values() for word in words)
    table: dict[str, dict[str, float]] = {}
    for language, words in sets.items():
        for word in words:
            table.setdefault(word, {})[language] = 1 / counts[word]
    return table


def language(text: str) -> str | None:
    """`en`, `zh`, `es`, `fr`, `de`, … from this module's list; `other` for other languages; None without letters."""
    script = _script(text)
    if script != "latin":
        return script
    plain = text.lower().replace("’", "'")
    outside = _QUOTED.sub(" ", plain)
    words = _WORD.findall(outside)
    # Quoted words do not count for the text's language, unless there are hardly any others.
    words = words if len(words) > 2 else _WORD.findall(plain)
    scores: dict[str, float] = defaultdict(float)
    for word in words:
        for part in {word, *word.split("'")} if "'" in word else (word,):
            for name, weight in _words().get(part, {}).items():
                scores[name] += weight
    letters = set("".join(words))
    letters |= set(plain) & set("¿¡")
    for name, special in _LETTERS.items():
        scores[name] += len(letters & set(special))
    english = scores.pop("en", 0)
    best, score = max(scores.items(), key=lambda item: item[1], default=("en", 0))
    if _is_name(text):
        return "en"
    if score > max(english, 0.3, _SHARE * len(words)):
        return best
    # No English word, and letters that English lacks: the language is unknown.
    strange = english == 0 and len(words) > 1 and any(char > "\x7f" for char in "".join(words))
    return OTHER if strange else "en"


def _is_name(text: str) -> bool:
    """Whether the text is a name or a title, which does not show a language: "Rio de Janeiro", "La Traviata"."""
    words = _WORD.findall(text)
    return (
        len(words) > 1
        and words[-1][0].isupper()
        and all(word[0].isupper() for word in words if len(word) > 3)
    )


def _script(text: str) -> str | None:
    """`latin`, `zh` for Chinese characters without kana, `other`; None without letters."""
    counts = Counter(_script_of(char) for char in text if char.isalpha())
    total = sum(counts.values())
    if not total:
        return None
    # A Chinese character is worth two or three letters.
    han = 2 * counts["han"]
    if counts["latin"] >= han + counts["other"] + counts["kana"]:
        return "latin"
    if counts["kana"] * 20 > counts["han"] + counts["kana"] or counts["other"] > han:
        return OTHER
    return "zh"


def _script_of(char: str) -> str:
    if char < "\u0250":
        return "latin"
    if "\u4e00" <= char <= "\u9fff" or "\u3400" <= char <= "\u4dbf":
        return "han"
    name = unicodedata.name(char, "")
    if name.startswith(("LATIN", "FULLWIDTH LATIN", "MODIFIER")):
        return "latin"
    return "kana" if name.startswith(("HIRAGANA", "KATAKANA")) else "other"
