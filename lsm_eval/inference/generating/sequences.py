"""Arranges prompts as sequences in the order in which they are continued, with common prefixes as trunks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import accumulate, pairwise

from lsm_eval.inference.generating.budget import BudgetWatch
from lsm_eval.inference.generating.drawing import Stream
from lsm_eval.inference.generating.prompts import Prompt
from lsm_eval.inference.generating.stops import Decode, StopWatch
from lsm_eval.inference.generating.trunks import Trunk
from lsm_eval.inference.prefixes import common_prefix
from lsm_eval.inference.runtime import Written

_LEAST_TRUNK = 16  # tokens
_LEAST_SAVED = 32  # the fewest tokens that a trunk must save from being read again
_LEAST_GROUP = (
    8  # sequences for which attending to a trunk apart from them is quicker than copying it to each
)


@dataclass(slots=True, eq=False)
class Sequence:
    """One prompt being continued."""

    number: int
    prompt: Prompt
    trunk: Trunk | None
    """The deepest trunk that is attended to without a copy."""
    copied: tuple[Trunk, ...]
    """Trunks below it whose keys and values are copied to the sequence's slot."""
    watch: StopWatch
    stream: Stream
    new: list[int] = field(default_factory=list)
    length: int = 0
    """Tokens in the slot: copied ones, the prompt's own, new ones."""
    budget: BudgetWatch | None = None
    began: float = 0.0
    """When reading its prompt began (`time.perf_counter`); 0 before that."""

    @property
    def start(self) -> int:
        """Position of the slot's first token."""
        return self.trunk.end if self.trunk else 0

    @property
    def reserved(self) -> int:
        """The most tokens that the slot may hold at the end."""
        return len(self.prompt.tokens) - self.start + self.prompt.max_tokens

    def tokens(self) -> tuple[int, ...]:
        """All tokens that belong into the slot by now; the last one has not been read yet."""
        return (*self.prompt.tokens[self.start :], *self.new)

    def path(self) -> list[Trunk]:
        """Every trunk that the sequence needs, from the text's start down."""
        return [*(self.trunk.path() if self.trunk else ()), *self.copied]


def arrange(
    prompts: Mapping[int, Prompt], decode: Decode, group: int, written: Written | None = None
) -> list[Sequence]:
    """The sequences of all prompts, depth first along the tree of their prefixes, so that few trunks are needed at a time. A
    prompt's last token is never in a trunk, as it is read in the first step. `group`: see `Capacity.group`."""
    members: dict[tuple[int, ...], list[int]] = {}
    for number, prompt in prompts.items():
        members.setdefault(prompt.tokens[:-1], []).append(number)
    texts = sorted(members)
    shared = [0, *(common_prefix(one, other) for one, other in pairwise(texts))]
    counts = [0, *accumulate(len(members[text]) for text in texts)]

    found: list[Sequence] = []
    # Texts `first` to `end`, which share all tokens of the trunks, and maybe more.
    work: list[tuple[int, int, Trunk | None, tuple[Trunk, ...]]] = [(0, len(texts), None, ())]
    while work:
        first, end, trunk, copied = work.pop()
        above = copied[-1] if copied else trunk
        start = above.end if above else 0
        depth = min(shared[first + 1 : end], default=len(texts[first]))
        size, count = depth - start, counts[end] - counts[first]
        if size >= _LEAST_TRUNK and (count - 1) * size >= _LEAST_SAVED:
            new = Trunk(start, texts[first][start:depth], above, count)
            if count >= group and not copied:
                trunk = new
            else:
                copied = (*copied, new)
        borders = [at for at in range(first + 1, end) if shared[at] == depth]
        if len(texts[first]) == depth:  # sorted, so that only the first one can end here
            for number in members[texts[first]]:
                prompt = prompts[number]
                watch = StopWatch(prompt.stop, decode, written)
                found.append(Sequence(number, prompt, trunk, copied, watch, Stream(prompt)))
        else:
            borders.insert(0, first)
        children = [(low, high, trunk, copied) for low, high in pairwise([*borders, end])]
        work.extend(reversed(children))
    return found


def by_trunk(active: Iterable[Sequence]) -> dict[Trunk, list[int]]:
    """By trunk, the slots (places in `active`) whose sequences attend to it without a copy."""
    found: dict[Trunk, list[int]] = {}
    for slot, sequence in enumerate(active):
        for trunk in sequence.trunk.path() if sequence.trunk else ():
            found.setdefault(trunk, []).append(slot)
    return found
