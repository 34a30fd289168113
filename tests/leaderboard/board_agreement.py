"""How alike models answer a task, as its page should show it: made anew from their samples' scores. Shares no code with the site."""

from __future__ import annotations

import re
from collections import Counter
from itertools import combinations

from board_numbers import Board
from board_pages import Block, Cell, Page
from front_found import comparable
from recomputed_wholes import score

Outcomes = dict[str, dict[str, bool]]
"""By model and sample: was it right, or half right?"""


def check_agreement(page: Page, board: Board, task: str) -> Counter[str]:
    """The table of pairs of models, and those of the hardest and the most disputed samples."""
    seen: Counter[str] = Counter()
    said = [note for _, note in page.notes if "Right and wrong are by" in note]
    metrics = [
        found[1] for note in said if (found := re.search(r"Right and wrong are by (\S+)\.(?:\s|$)", note))
    ]
    for block in page.blocks:
        if "agreement" in block.kind.split():
            outcomes = _outcomes(board, task, metrics[0])
            asked = {
                name: comparable(numbers[task, metrics[0]].said["signature"])
                for name, numbers in board.items()
                if (task, metrics[0]) in numbers
            }
            seen += _check_pairs(block, outcomes, asked, said[0], task)
        if block.columns[:2] == ["Sample", "Right"]:
            outcomes = _outcomes(board, task, metrics[0])
            seen += _check_samples(block, outcomes, task)
    return seen


def _outcomes(board: Board, task: str, metric: str) -> Outcomes:
    found: Outcomes = {}
    for name, numbers in board.items():
        if (task, metric) not in numbers:  # it was not asked
            continue
        number = numbers[task, metric]
        lower = number.said["higher_is_better"] is False
        scores = {row["sample"]: score(row, metric) for row in number.table.counted(metric)}
        found[name] = {
            sample: (1 - one if lower else one) >= 0.5 for sample, one in scores.items() if one is not None
        }
    return found


def _check_pairs(
    block: Block, outcomes: Outcomes, asked: dict[str, tuple[str, ...]], said: str, task: str
) -> Counter[str]:
    names = ["".join(row[0].names) for row in block.rows]
    shares = []
    for one, other in combinations(range(len(names)), 2):
        cells = (block.rows[one][other + 1], block.rows[other][one + 1])
        if asked[names[one]] != asked[names[other]]:
            assert [cell.text.strip() for cell in cells] == ["–", "–"], (task, names[one], names[other])
            continue
        first, second = outcomes[names[one]], outcomes[names[other]]
        both = [(first[sample], second[sample]) for sample in first if sample in second]
        same = sum(mine == its for mine, its in both) / len(both)
        shares.append(same)
        right = [sum(pair[side] for pair in both) / len(both) for side in (0, 1)]
        chance = right[0] * right[1] + (1 - right[0]) * (1 - right[1])
        kappa = "–" if chance == 1 else f"{(same - chance) / (1 - chance):.2f}".replace("-", "−")
        for cell in cells:
            where = (task, names[one], names[other])
            assert (cell.text.strip(), cell.beside.strip()) == (f"{100 * same:.1f}%", kappa), where
            assert cell.title.startswith(f"{len(both)} samples in common"), where
    mean = 100 * sum(shares) / len(shares)
    (told,) = re.findall(r"the share is ([\d.]+)% on average", said)
    assert abs(float(told) - mean) <= 0.05 + 1e-9, (task, mean)
    return Counter({"pairs": len(shares)})


def _check_samples(block: Block, outcomes: Outcomes, task: str) -> Counter[str]:
    for row in block.rows:
        cells = block.cells(row)
        (sample,) = row[0].names
        wrong, right = (set(cells[f"{kind} answers"].names) for kind in ("Wrong", "Right"))
        held = {name: one[sample] for name, one in outcomes.items() if name in wrong | right}
        assert {name for name, good in held.items() if good} == right, (task, sample)
        # Of many names some stand there, and how many more there are.
        lost, won = (
            len(names) + _more(cells[f"{kind} answers"])
            for kind, names in (("Wrong", wrong), ("Right", right))
        )
        assert cells["Right"].text.strip() == f"{won}/{lost + won}", (task, sample)
        assert won <= sum(one.get(sample, False) for one in outcomes.values()), (task, sample)
    return Counter({"samples": len(block.rows)})


def _more(cell: Cell) -> int:
    found = re.search(r"and ([\d,]+) more", f"{cell.text} {cell.beside}")
    return int(found[1].replace(",", "")) if found else 0
