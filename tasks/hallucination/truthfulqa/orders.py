"""One question with lettered choices, shown in several orders: right answers, and the effect of the order.

A sample asks the same question once per order (`further` in the task). Its metadata has `orders`: for each request, in
turn, the list of the text at each letter, such as [[1, 0], [0, 1]]; `target` is the right letter of the first request,
which determines the right text. Exactly tied letters are equally likely to be chosen, independently in each request.

Made for TruthfulQA's binary setting (Lin et al. 2022; revision of January 2025), but works for any number of choices.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence

from lsm_eval.errors import UserError
from lsm_eval.metrics.base import Measurement
from lsm_eval.metrics.choice import best
from lsm_eval.metrics.common import ProportionMetric, counted, metadata, right_choices, scored
from lsm_eval.requests import Answer
from lsm_eval.tasks.sample import Sample


class _InAllOrders(ProportionMetric, ABC):
    def measure(self, sample: Sample, answer: Answer) -> Measurement:
        return self.measure_all(sample, [answer])

    def measure_all(self, sample: Sample, answers: Sequence[Answer]) -> Measurement:
        """The measurement from the answers to all orders, each over the same letters."""
        scores = [scored(self.name, answer).logprobs for answer in answers]
        orders = _orders(self.name, sample, [len(row) for row in scores])
        chosen = [best(row) for row in scores]
        (letter,) = right_choices(self.name, sample, len(orders[0]))
        # For each order, the chance of each text to be chosen.
        shares = [
            {text: 1 / len(letters) for index, text in enumerate(order) if index in letters}
            for order, letters in zip(orders, chosen, strict=True)
        ]
        first = [float(0 in letters) / len(letters) for letters in chosen]
        tie = any(len(letters) > 1 for letters in chosen)
        return counted(self.value(shares, orders[0][letter], first), tie=tie)

    @abstractmethod
    def value(self, shares: Sequence[dict[int, float]], right: int, first: Sequence[float]) -> float:
        """The sample's value, from the chance of every chosen text in each order, the right text, and the chance in
        each order that the first letter is chosen."""


class OrdersAccuracy(_InAllOrders):
    """`orders_acc`: share of the orders in which the right text is chosen."""

    default_name = "orders_acc"

    def value(self, shares: Sequence[dict[int, float]], right: int, first: Sequence[float]) -> float:
        return sum(share.get(right, 0.0) for share in shares) / len(shares)


class OrdersAllRight(_InAllOrders):
    """`orders_all_right`: the right text is chosen in every order, which no position bias can achieve."""

    default_name = "orders_all_right"

    def value(self, shares: Sequence[dict[int, float]], right: int, first: Sequence[float]) -> float:
        return _in_all(shares, right)


class OrdersConsistency(_InAllOrders):
    """`orders_consistency`: the same text, right or wrong, is chosen in every order."""

    default_name = "orders_consistency"

    def value(self, shares: Sequence[dict[int, float]], right: int, first: Sequence[float]) -> float:
        return sum(_in_all(shares, text) for text in shares[0])


class OrdersFirst(_InAllOrders):
    """`orders_first`: share of the orders in which the first letter is chosen. If each text is at each letter equally
    often, a model that goes by the texts has exactly 1/k; the distance from it is the position bias."""

    default_name = "orders_first"
    higher_is_better = None

    def value(self, shares: Sequence[dict[int, float]], right: int, first: Sequence[float]) -> float:
        return sum(first) / len(first)


def _in_all(shares: Sequence[dict[int, float]], text: int) -> float:
    product = 1.0
    for share in shares:
        product *= share.get(text, 0.0)
    return product


def _orders(metric: str, sample: Sample, sizes: Sequence[int]) -> list[list[int]]:
    """The texts at the letters of each request. Raises `UserError` unless there is one order per request."""
    given = metadata(metric, sample, "orders")
    good = isinstance(given, (list, tuple)) and len(given) == len(sizes)
    if not good or any(sorted(row) != list(range(size)) for row, size in zip(given, sizes, strict=True)):
        raise UserError(
            f"metric {metric!r}: `metadata.orders` of sample {sample.id!r} must be a list of {len(sizes)} orders of "
            f"{sizes[0]} texts, one for each prompt: correct it, or `further`, in the task."
        )
    return [list(row) for row in given]
