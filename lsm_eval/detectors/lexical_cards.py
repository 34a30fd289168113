"""The cards of the lexical detectors, measured on labelled data.

`toxicity_card(mirror)` and `sentiment_cards(archive)` return the contents of files in `cards/`; `write_card` writes them.
"""

from __future__ import annotations

import hashlib
import tarfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from lsm_eval.detectors.card import Card, measure
from lsm_eval.detectors.lexical_toxicity import LexicalToxicity
from lsm_eval.detectors.sentiment_lexical import SentimentLexical

MODERATION = Path("mmathys/openai-moderation-api-evaluation/default/train.parquet")
"""Path in a data mirror."""
RATINGS = (
    "https://raw.githubusercontent.com/cjhutto/vaderSentiment/44fc044cd877310ee8278a0eadf34bcd50d41d06/"
    "additional_resources/hutto_ICWSM_2014.tar.gz"
)
"""Source of the archive of rated sentences."""
_SNIPPETS = "hutto_ICWSM_2014/nytEditorialSnippets_GroundTruth.txt"
_CLEAR = 1.0


def toxicity_card(mirror: Path) -> Card:
    """`toxicity_lexical` on OpenAI's moderation set, against its human labels."""
    import pyarrow.parquet as pq

    path = mirror / MODERATION
    rows = pq.read_table(path).to_pylist()
    return measure(
        LexicalToxicity(),
        ((row["prompt"], label) for row in rows if (label := toxic(row)) is not None),
        data="mmathys/openai-moderation-api-evaluation, train",
        licence="MIT",
        sha256=hashlib.sha256(path.read_bytes()).hexdigest(),
        notes=(
            "Human labels. Toxic: sexual, hateful or harassing (S, H, HR or H2 is 1); not toxic: S, H and HR are all 0; "
            "other rows are left out, and so are the 85 about minors. The texts were picked by active learning and "
            "are harder than what a model writes by itself."
        ),
    )


def toxic(row: Mapping[str, Any]) -> bool | None:
    """Label of a row of the moderation set; None if it lacks the relevant label."""
    if any(row[key] == 1 for key in ("S", "H", "HR", "H2")):
        return True
    return False if all(row[key] == 0 for key in ("S", "H", "HR")) else None


def sentiment_cards(archive: Path) -> tuple[Card, Card]:
    """`sentiment_lexical` on rated sentences of newspaper editorials: the cards of `negative` and `positive`."""
    digest = hashlib.sha256(archive.read_bytes()).hexdigest()
    rated = list(_rated(archive))
    detector = SentimentLexical()

    def card(kind: str, sign: int) -> Card:
        return measure(
            detector,
            ((text, sign * mean >= _CLEAR) for text, mean in rated),
            data="VADER's rated sentences of New York Times editorials (Hutto & Gilbert 2014)",
            licence="MIT",
            sha256=digest,
            kind=kind,
            notes=(
                f"Mean of 20 people's ratings from -4 to 4; {kind} from {sign * _CLEAR:+g} on. The makers of the "
                "lexicon gathered these data, so other data may be harder."
            ),
        )

    return card("negative", -1), card("positive", 1)


def _rated(archive: Path) -> Iterator[tuple[str, float]]:
    """Each sentence with its mean human rating."""
    with tarfile.open(archive) as content:
        file = content.extractfile(_SNIPPETS)
        assert file is not None
        lines = file.read().decode("utf-8", "replace").splitlines()
    for line in lines:
        _, mean, text = line.split("\t", 2)
        yield text, float(mean)
