"""Measures the detectors' cards anew, and the table of them in docs/detectors.md.

    python benchmarks/cards.py --data-mirror DIR --data-files DIR --golden DIR [--vader FILE] [--frank DIR] [--jailbreaks DIR]
                               [--presidio] [--write]

Each source of labelled data is optional: cards whose data are not given stay as they are. Without --write nothing
changes, and the exit code is 1 if a card measured here differs from the one that is shipped. With it, `refusal` is
fitted anew, too, before its card is measured.

    --golden     has xstest_completions and mmlu_pro_outputs             refusal, pii (answers of tasks)
    --jailbreaks a checkout of lsm_eval.detectors.refusal_cards.ARTIFACTS    refusal (jailbreaks)
    --data-files has presidio-synth and qags                            pii, groundedness (QAGS)
    --data-mirror has the hub sets                                      toxicity_lexical, copying
    --vader      hutto_ICWSM_2014.tar.gz (lsm_eval.detectors.lexical_cards.RATINGS)   sentiment_lexical
    --frank      the articles of FRANK, with --data-mirror              groundedness (XSum)
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from lsm_eval.detectors.card import Card, cards, load_card, write_card
from lsm_eval.detectors.card_table import replaced
from lsm_eval.errors import UserError

PAGE = Path(__file__).resolve().parent.parent / "docs" / "detectors.md"


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; returns its exit code."""
    parser = argparse.ArgumentParser(prog="cards.py", description=(__doc__ or "").splitlines()[0])
    for name in ("data-mirror", "data-files", "golden", "vader", "frank", "jailbreaks"):
        parser.add_argument(f"--{name}", type=Path, metavar="PATH")
    parser.add_argument(
        "--presidio", action="store_true", help="measure Presidio, too (the extra `presidio`)"
    )
    parser.add_argument("--write", action="store_true", help="write the cards and the page")
    options = parser.parse_args(arguments)
    different = 0
    for card in measured(options):
        same = card == shipped(card)
        different += not same
        print(f"{card.detector}{f'.{card.kind}' if card.kind else ''}: {'as shipped' if same else 'differs'}")
        if options.write and not same:
            write_card(card)
    page = PAGE.read_text(encoding="utf-8")
    if replaced(page, cards()) != page:
        different += 1
        print("docs/detectors.md: the table differs")
        if options.write:
            PAGE.write_text(replaced(page, cards()), encoding="utf-8")
    return 0 if options.write or not different else 1


def shipped(card: Card) -> Card | None:
    """The card of the package for the same detector and kind; None where there is none."""
    try:
        return load_card(card.detector, card.kind)
    except UserError:
        return None


def measured(options: argparse.Namespace) -> Iterator[Card]:
    """All cards whose data were given."""
    from lsm_eval.detectors import refusal_cards
    from lsm_eval.detectors.pii_cards import look_alike_card, task_answers_card

    yield look_alike_card()
    if options.golden:
        yield task_answers_card(options.golden)
        yield refusal(options.golden / "xstest_completions" / "completions.jsonl.gz", write=options.write)
        yield refusal_cards.task_answers_card(options.golden)
    yield refusal_cards.look_alike_card()
    yield refusal_cards.languages_card()
    if options.jailbreaks:
        yield refusal_cards.jailbreaks_card(options.jailbreaks)
    if options.data_files:
        from lsm_eval.detectors.pii_cards import pii_cards, presidio_cards

        yield from pii_cards(options.data_files)
        if options.presidio:
            yield from presidio_cards(options.data_files)
        yield from qags(options.data_files / "qags")
    if options.data_mirror:
        import pyarrow.parquet as pq

        from lsm_eval.detectors.copying_cards import copying_card
        from lsm_eval.detectors.lexical_cards import toxicity_card

        yield toxicity_card(options.data_mirror)
        book = options.data_mirror / "karpathy" / "tiny_shakespeare" / "default" / "train.parquet"
        yield copying_card(pq.read_table(book)["text"][0].as_py())
    if options.vader:
        from lsm_eval.detectors.lexical_cards import sentiment_cards

        yield from sentiment_cards(options.vader)
    if options.frank and options.data_mirror:
        import pyarrow.parquet as pq

        from lsm_eval.detectors.groundedness_people import frank_articles, xsum_cards

        folder = options.data_mirror / "google-research-datasets" / "xsum_factuality" / "xsum_faithfulness"
        yield from xsum_cards(
            pq.read_table(folder / "train.parquet").to_pylist(), frank_articles(options.frank)
        )


def refusal(path: Path, *, write: bool) -> Card:
    """The card of `refusal`; fits its weights anew before if they are to be written."""
    from lsm_eval.detectors import refusal_fit

    if write:
        rows = refusal_fit.read(path)
        refusal_fit.write(refusal_fit.fit(rows, refusal_fit.matrix(rows)))
    return refusal_fit.card(path)


def qags(folder: Path) -> Iterator[Card]:
    """The cards of `groundedness` on QAGS; the files may be packed."""
    import gzip

    from lsm_eval.benchmarks.hallucination.qags_consistency.sentences import rows
    from lsm_eval.detectors.groundedness_people import qags_cards

    with tempfile.TemporaryDirectory() as unpacked:
        paths = []
        for name in ("mturk_cnndm.jsonl", "mturk_xsum.jsonl"):
            path = Path(unpacked) / name
            packed = folder / f"{name}.gz"
            content = (
                gzip.decompress(packed.read_bytes()) if packed.exists() else (folder / name).read_bytes()
            )
            path.write_bytes(content)
            paths.append(path)
        yield from qags_cards(rows(paths, ["cnndm", "xsum"]))


if __name__ == "__main__":
    sys.exit(main())
