"""Makes the pages of each kind from a template and the common frame. Everything is escaped; nothing is loaded from elsewhere."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from jinja2 import BytecodeCache, PackageLoader, StrictUndefined, Template
from jinja2.bccache import Bucket
from markupsafe import Markup, escape

from lsm_eval.leaderboard import show
from lsm_eval.leaderboard.frame.bundle import Bundle, bundle, inline
from lsm_eval.leaderboard.frame.output import Output, finalized
from lsm_eval.leaderboard.frame.safe import safe_json
from lsm_eval.leaderboard.words import LANGUAGES, Words


@dataclass(frozen=True, slots=True)
class NavEntry:
    """A link in every page's header."""

    path: str
    """From the site's root."""
    text: str
    """In English, with a translation in `words`."""


class _Compiled(BytecodeCache):
    """Templates that this process has compiled already: compiling takes longer than rendering a small site."""

    def __init__(self) -> None:
        self._kept: dict[str, bytes] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        if kept := self._kept.get(bucket.key):
            bucket.bytecode_from_string(kept)

    def dump_bytecode(self, bucket: Bucket) -> None:
        self._kept[bucket.key] = bucket.bytecode_to_string()


_COMPILED = _Compiled()


class Frame:
    """Renders pages in the common layout.

    Templates can use: `t`, `tn` and `ta` for texts of the interface (`words.Words`), `data(name, thing)` for data that the script reads
    (`lsm.data(main, name)`), `root` (one `../` per level of the page's path), `show`, and the names that `share` adds.
    """

    def __init__(self, language: str = "en", nav: Sequence[NavEntry] = ()) -> None:
        self._words = Words(language)
        self._nav = tuple(nav)
        self._environment = Output(
            loader=PackageLoader("lsm_eval.leaderboard"),
            autoescape=True,
            undefined=StrictUndefined,
            finalize=finalized,
            trim_blocks=True,
            lstrip_blocks=True,
            keep_trailing_newline=True,
            bytecode_cache=_COMPILED,
        )
        self._environment.filters.update(
            breakable=show.breakable,
            compact=show.compact,
            direction=show.direction,
            interval=show.interval,
            moment=show.moment,
            plain=show.plain,
            unit_label=show.unit_label,
            value=show.value,
        )
        words = self._words
        self._environment.globals.update(
            show=show, t=words.t, tn=words.tn, ta=words.ta, tp=words.plain, data=_data, nav=self._nav,
            language=language, languages=LANGUAGES,
        )  # fmt: skip

    @property
    def words(self) -> Words:
        """Texts in the site's language."""
        return self._words

    def share(self, values: Mapping[str, Any]) -> None:
        """Names that every template may use."""
        self._environment.globals.update(values)

    def page(self, kind: str, own: Bundle | None = None) -> Page:
        """A maker of pages of this kind, from `templates/<kind>.html.j2` and, if they exist, `assets/<kind>.js` and
        `assets/<kind>.css`, or from the assets in `own`."""
        template = self._environment.get_template(f"{kind}.html.j2")
        return Page(kind, template, own or bundle(kind), self._words)

    def fragment(self, template: str, **values: Any) -> tuple[str, tuple[str, ...]]:
        """A part of a page that its script inserts later, and the interface texts that it contains (for the page's `say`). Must be called
        before the page itself is made."""
        self._words.start(())
        text = self._environment.get_template(template).render(**values)
        return text, self._words.texts


@dataclass(frozen=True, slots=True)
class Page:
    """Makes the pages of one kind."""

    kind: str
    template: Template
    bundle: Bundle
    words: Words

    def render(self, path: str, say: Collection[str] = (), **values: Any) -> str:
        """The page for `path` (from the site's root, `models/x.html`). `say`: interface texts that its script shows, beside those in the
        script itself."""
        self.words.start((*self.bundle.words, *say))
        text = self.template.render(
            path=path,
            kind=self.kind,
            root="../" * path.count("/"),
            css=inline(self.bundle.css),
            script=inline(self.bundle.script),
            policies=[Markup(policy) for policy in self.bundle.policies],
            words_here=_WORDS_HERE,
            **values,
        )
        # Which texts a page contains is known only once it is rendered.
        used = self.words.used()
        for language, more in values.get("all_words", {}).items():
            used.setdefault(language, {}).update(more)
        return text.replace(_WORDS_HERE, _data("words", used), 1)


_WORDS_HERE = Markup("<!--words-->")


def _data(name: str, thing: Any) -> Markup:
    return Markup(f'<script type="application/json" data-name="{escape(name)}">{safe_json(thing)}</script>')
