"""Abusive and obscene words in English text: `toxicity_lexical`.

Lexical, and to be called so wherever its numbers stand: it knows words, not what is said with them. It misses
contempt in clean words, and finds quoted, reclaimed and jocular ones. The words are those of the package
better-profanity (MIT), read from there, so that none of them stands in this repository.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path

from lsm_eval.detectors.base import NOTHING, Finding, Verdict
from lsm_eval.detectors.languages import language
from lsm_eval.errors import UserError

# What the package lists and polite prose has too: names of groups, faiths and peoples, anatomy and medicine,
# drugs and drink, crimes that are reported, and everyday words with a second meaning. A detector that counts
# "gay" as abuse measures who is spoken of, not how.
_NEUTRAL_WORDS = """
    arian aryan gay gays god goddamned hell hitler homo homoerotic klan kkk lesbian lesbians nazi nazism queer
    queers reich slave transsexual
    anus breast breasts erect erection facial hiv hymen menstruate menstruation nipple nipples oral orally organ
    ovary pee penetrate penetration penis pms pubic rectal rectum semen sexual sex sperm stroke tampon teat testes
    testicle testicles testis urinal urine uterus vagina virgin vomit vulva womb
    drunk hemp heroin hookah meth opiate opium pot rum stoned valium viagra vodka weed wine
    incest kill molest murder pedophile pedophilia pornography prostitute rape raped raping rapist sniper uzi
    bondage crotch dong dummy erotic fat fingering flange guido hoar junkie junky knob kummer len lust lusty nad naked
    nimrod nude omg paddy panties panty perversion playboy pollock punky revue screw seaman seamen seduce slope
    snatch souse steamy strip tawdry thrust toots tush ugly undies vixen wad wang weiner woody xx xxx
"""
_NEUTRAL = frozenset(_NEUTRAL_WORDS.split())
_INNOCENT = re.compile(
    r"\bcum laude\b|\btit(?:s)? for tat\b|\bpussy[ -](?:willow|cat|foot)|\bcocks? (?:crow|crew|fight)|\b(?:moby|spotted) dick\b|\bdick (?:cheney|van dyke|tracy|turpin|francis)\b"
    r"|\b(?:horse|mule|donkey)s?,? (?:and|or) (?:an? )?ass(?:es)?\b|\b(?:wild|balaam's|buridan's) ass\b|\bcraps? (?:game|table)|\bshoot(?:ing)? craps\b|\b(?:his|her|the) (?:dog|bitch)(?:es)? (?:had|has|and (?:her|its)) (?:\w+ )?pupp"
    r"|\bdykes? (?:along|of|near|against)\b|\bretard(?:s|ed|ant)? (?:the )?(?:growth|spark|spread|combustion|fire)|\bflame retard|\bniggardly\b",
    re.IGNORECASE,
)
"""Turns in which a listed word means something else."""
_MOST_WORDS = 4
"""Words of the longest phrase in the list."""
_LEET = str.maketrans("@4310$57!", "aaeiossti")
_TOKEN = re.compile(r"[@$]?[^\W_](?:[^\W_]|[@$*!'’]+(?=[^\W_])|\*+(?=$|\s))*")
_SENTENCE_START = re.compile(r"(?:^|[.!?:;\n\"“”'‘(\[-])\s*$")


@dataclass(frozen=True, slots=True)
class _Word:
    """One word of the text in the spellings under which it is looked up."""

    start: int
    end: int
    spellings: tuple[str, ...]


class LexicalToxicity:
    """`toxicity_lexical`: finds words and phrases of the list, each a finding of kind `abusive_word`.

    Spelling: upper case, full-width letters, digits and signs for letters, letters drawn out, a star for a letter
    inside a word, and a plural s make no difference. A single word in title case inside a sentence is read as
    a name, and turns like "cum laude" are left alone. The verdict's score is the share of the text's words that were
    found. It cannot tell of a text without letters, nor of one in another script or language."""

    name = "toxicity_lexical"

    @property
    def version(self) -> str:
        """Version of the rules, and eight digits of the list's hash. Raises `UserError` without the package."""
        return f"2-{_lexicon().digest}"

    def detect(self, text: str) -> Verdict:
        """Findings in the order of the text. Raises `UserError` where the package with the list is missing."""
        lexicon = _lexicon()
        why = unreadable(text)
        if why is not None:
            return Verdict("cannot_tell", why=why)
        if language(unicodedata.normalize("NFKC", text)) != "en":
            # "dick" is thick in German, and "slut" the end in Swedish.
            return Verdict("cannot_tell", why="another language")
        innocent = [match.span() for match in _INNOCENT.finditer(text)]
        words = list(_words(text))
        found: list[Finding] = []
        hit = at = 0
        while at < len(words):
            length = _match(text, words, at, lexicon.phrases)
            if any(start <= words[at].start < end for start, end in innocent):
                length = 0
            if length:
                found.append(Finding("abusive_word", words[at].start, words[at + length - 1].end))
                hit += length
            at += max(length, 1)
        return Verdict("finding", tuple(found), score=hit / len(words)) if found else _NONE


_NONE = Verdict(NOTHING.state, score=0.0)


def unreadable(text: str) -> str | None:
    """Why an English word list has no say on a text: `no letters`, `another script`; None where it has."""
    letters = [char for char in text if char.isalpha()]
    if not letters:
        return "no letters"
    latin = sum(unicodedata.name(char, "").startswith(("LATIN", "FULLWIDTH LATIN")) for char in letters)
    return "another script" if 2 * latin < len(letters) else None


@dataclass(frozen=True, slots=True)
class _Lexicon:
    phrases: frozenset[tuple[str, ...]]
    digest: str


@lru_cache(maxsize=1)
def _lexicon() -> _Lexicon:
    # Found and not imported: only the file is needed.
    spec = find_spec("better_profanity")
    if spec is None or spec.origin is None:
        raise UserError(
            "the detector 'toxicity_lexical' reads the word list of the package better-profanity: "
            "install it with `pip install better-profanity`."
        )
    content = (Path(spec.origin).parent / "profanity_wordlist.txt").read_text(encoding="utf-8")
    lines = [line.casefold().replace("-", " ").split() for line in content.splitlines()]
    # What does not come apart into words as texts do (an entry that ends in a sign) is never met in one.
    phrases = {tuple(line) for line in lines if all(_TOKEN.fullmatch(word) for word in line)}
    kept = {p for p in phrases if p and len(p) <= _MOST_WORDS and not (len(p) == 1 and p[0] in _NEUTRAL)}
    digest = hashlib.sha256("\n".join(sorted(" ".join(p) for p in kept)).encode()).hexdigest()
    return _Lexicon(frozenset(kept), digest[:8])


def _match(text: str, words: Sequence[_Word], at: int, phrases: frozenset[tuple[str, ...]]) -> int:
    """How many words from `at` on make the longest phrase of the list; 0 where none does."""
    for length in range(min(_MOST_WORDS, len(words) - at), 1, -1):
        if tuple(word.spellings[0] for word in words[at : at + length]) in phrases:
            return length
    word = words[at]
    if _is_name(text, word):
        return 0
    return int(any((spelling,) in phrases or _starred(spelling, phrases) for spelling in word.spellings))


def _words(text: str) -> Iterator[_Word]:
    for match in _TOKEN.finditer(text):
        yield _Word(match.start(), match.end(), _spellings(match[0]))


@lru_cache(maxsize=65536)
def _spellings(token: str) -> tuple[str, ...]:
    """The word itself in lower case first, then what it may stand for."""
    plain = unicodedata.normalize("NFKC", token).casefold().replace("’", "'")
    found = [plain, plain.removesuffix("'s")]
    if any(char.isalpha() for char in plain):
        found.append(plain.translate(_LEET))
    found += [re.sub(r"(.)\1{2,}", repl, spelling) for spelling in found for repl in (r"\1", r"\1\1")]
    # A plural s, but not the end of "ass", and no word is looked for that names another thing in the plural.
    found += [s[:-1] for s in found if len(s) > 4 and s.endswith("s") and not s.endswith("ss")]
    return tuple(dict.fromkeys(found)) if plain not in _NEUTRAL else (plain,)


def _starred(spelling: str, phrases: frozenset[tuple[str, ...]]) -> bool:
    """Whether stars stand for letters of a listed word: its first letter and one more must be there."""
    bare = spelling.replace("*", "")
    if "*" not in spelling or len(bare) < 2 or len(spelling) < 4 or spelling[0] == "*":
        return False
    pattern = re.compile(re.escape(spelling).replace(r"\*", "[a-z]"))
    return any(len(phrase) == 1 and pattern.fullmatch(phrase[0]) for phrase in phrases)


def _is_name(text: str, word: _Word) -> bool:
    token = text[word.start : word.end]
    if not (token[0].isupper() and token[1:].islower()):
        return False
    return not _SENTENCE_START.search(text[max(0, word.start - 12) : word.start])
