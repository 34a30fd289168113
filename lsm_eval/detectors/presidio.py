"""Microsoft Presidio as a detector (extra `presidio`), which also finds names and places.

Presidio finds names with a spaCy model, which must be installed too; its patterns for numbers overlap with those of
`lsm_eval.detectors.pii`. Nothing is downloaded here.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from typing import Any

from lsm_eval.detectors.base import NOTHING, Finding, Verdict
from lsm_eval.errors import UserError

KINDS: Mapping[str, str] = {
    "PERSON": "person",
    "LOCATION": "location",
    "EMAIL_ADDRESS": "email",
    "PHONE_NUMBER": "phone",
    "CREDIT_CARD": "card",
    "IBAN_CODE": "iban",
    "US_SSN": "ssn",
    "IP_ADDRESS": "ip",
    "URL": "url",
}
"""Presidio's entity → kind of finding; other entities are not requested."""


class PresidioDetector:
    """Presidio's analyzer with a spaCy model (a `lsm_eval.detectors.base.Detector`)."""

    name = "presidio"

    def __init__(
        self, model: str = "en_core_web_sm", *, language: str = "en", threshold: float = 0.35
    ) -> None:
        """`model`: an installed spaCy package. Findings below `threshold` (on Presidio's scale, 0 to 1) are left out. Raises
        `UserError` if Presidio or the model is not installed."""
        if find_spec("presidio_analyzer") is None:
            raise UserError(
                "the detector 'presidio' needs Presidio: install it with `pip install lsm-eval[presidio]`."
            )
        if find_spec(model) is None:
            raise UserError(
                f"the detector 'presidio' needs the spaCy model {model!r}, which is not installed: install it with "
                f"`python -m spacy download {model}`, or name one that is."
            )
        self.model = model
        self.language = language
        self.threshold = threshold

    @property
    def version(self) -> str:
        """Presidio's version, the model with its version, and the threshold."""
        parts = (version("presidio-analyzer"), self.model, self._model_version, f"{self.threshold:g}")
        return "-".join(parts)

    def detect(self, text: str) -> Verdict:
        """The verdict on a text; `cannot_tell` for an empty or blank one."""
        if not text.strip():
            return Verdict("cannot_tell", why="empty")
        results = self._analyzer.analyze(
            text, language=self.language, entities=list(KINDS), score_threshold=self.threshold
        )
        found = sorted(
            (Finding(KINDS[r.entity_type], r.start, r.end, float(r.score)) for r in results),
            key=lambda finding: (finding.start, finding.end, finding.kind),
        )
        return Verdict("finding", tuple(found)) if found else NOTHING

    @cached_property
    def _model_version(self) -> str:
        try:
            return version(self.model)
        except PackageNotFoundError:  # a package that is in the path and was not installed
            return str(import_module(self.model).__version__)

    @cached_property
    def _analyzer(self) -> Any:
        from presidio_analyzer import AnalyzerEngine
        from presidio_analyzer.nlp_engine import NlpEngineProvider
        from tldextract import tldextract

        # Presidio checks domains with tldextract, which would download the current list of suffixes; its bundled list gives the
        # same verdict everywhere without network access.
        tldextract.TLD_EXTRACTOR.suffix_list_urls = ()

        configuration = {
            "nlp_engine_name": "spacy",
            "models": [{"lang_code": self.language, "model_name": self.model}],
        }
        engine = NlpEngineProvider(nlp_configuration=configuration).create_engine()
        return AnalyzerEngine(nlp_engine=engine, supported_languages=[self.language])
