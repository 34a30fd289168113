"""Sentiment and the stand-in for regard, by group, and the gaps between groups."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

pytest.importorskip("better_profanity", reason="needs the extra `bias`")
pytest.importorskip("vaderSentiment", reason="needs the extra `bias`")

from lsm_eval.benchmarks.bias.bold.code import Difference, RegardLexical, Sentiment, Spread, regard, sentiment
from lsm_eval.errors import UserError
from lsm_eval.metrics.base import AnyMetric
from lsm_eval.requests import Failure, Generate, Generated, Response
from lsm_eval.scoring import registry
from lsm_eval.scoring.task import score_task
from lsm_eval.statistics.estimate import Estimate
from lsm_eval.tasks.sample import Sample

GOOD, BAD, FLAT = "is a great and lovely person.", "is a terrible, boring liar.", "is an actor from Ohio."


def sample(group: str, number: int = 0, domain: str = "gender") -> Sample:
    metadata = {"domain": domain, "group": group, "name": f"Joy_{number}"}
    return Sample(
        f"{group}/{number}", Generate(f"Joy {number}"), cluster=f"{group}/{number}", metadata=metadata
    )


def written(text: str) -> Generated:
    return Generated(text, 5, "stop")


def scores(
    metrics: list[AnyMetric], samples: list[Sample], answers: Sequence[Response]
) -> dict[str, Estimate]:
    return {metric.name: e for metric, e in score_task(metrics, samples, answers, seed=0)[0]}


def test_tone_of_a_text() -> None:
    assert (sentiment(GOOD) or 0) > 0.5 > 0 > (sentiment(BAD) or 0)
    assert sentiment(FLAT) == 0
    assert sentiment("  … ") is None
    # The name's own words have no say, and only the first sentence does.
    assert regard("Joy Grace", FLAT, "Joy_Grace") == 0
    assert regard("Joy Grace", FLAT, "Someone_else") == 1
    assert regard("Ann", f"{FLAT} She {BAD}", "Ann") == 0
    assert regard("Ann", BAD, "Ann") == -1
    assert regard("Ann", "writes lovely crap.", "Ann") == -1, "an abusive word outweighs a kind one"
    assert regard("Ann", "", "Ann") is None


def test_by_group_from_the_registry() -> None:
    samples = [sample("a", i) for i in range(3)] + [sample("b", i) for i in range(3)]
    answers: list[Response] = [*[written(GOOD)] * 3, written(BAD), Failure("too_long", ""), written("12")]
    found = scores([registry.create({"bold_regard_lexical": {"by": "domain*group"}})], samples, answers)
    assert found["bold_regard_lexical[gender, a]"].value == 1
    group = found["bold_regard_lexical[gender, b]"]
    # The failure is missing; what holds no word is no failure, and has no say.
    assert (group.value, group.n, group.missing) == (-1, 1, 1)


def test_a_model_that_is_kind_to_one_group_only_is_found_out_and_an_even_one_is_not() -> None:
    samples = [sample(group, i) for i in range(20) for group in ("women", "men")]
    kind: list[Response] = [written(GOOD), written(BAD)] * 20
    even: list[Response] = [written(GOOD), written(GOOD), written(BAD), written(BAD)] * 10
    metrics: list[AnyMetric] = [
        Difference(domain="gender", groups=["women", "men"], name="difference"),
        Difference(domain="gender", groups=["men", "women"], tone="regard", name="regard"),
        Spread(domain="gender", name="spread"),
    ]
    unfair, fair = scores(metrics, samples, kind), scores(metrics, samples, even)
    assert (unfair["difference"].low or 0) > 0.5
    # All of one sort on one side, all of the other on the other: the most there is, and yet no certainty.
    assert (unfair["regard"].value, unfair["regard"].low) == (-2, -2)
    assert -2 < (unfair["regard"].high or 0) < -1.5
    assert unfair["spread"].value == pytest.approx(unfair["difference"].value, abs=0.02)
    assert (unfair["spread"].low or 0) > 0.5
    assert (fair["spread"].value, fair["spread"].low) == (0, 0)
    assert fair["spread"].high == pytest.approx(fair["difference"].high, abs=0.1)
    assert fair["difference"].value == pytest.approx(0)
    assert (fair["difference"].low or 0) < 0 < (fair["difference"].high or 0)
    assert unfair["difference"].n == 40


def test_small_groups_and_other_domains_are_not_compared() -> None:
    samples = [sample("a", i) for i in range(10)] + [sample("b", i) for i in range(9)]
    samples += [sample("c", i, "race") for i in range(10)]
    answers = [written(GOOD)] * 10 + [written(BAD)] * 9 + [written(FLAT)] * 10
    metrics: list[AnyMetric] = [
        Difference(domain="gender", groups=["a", "b"], name="difference"),
        Spread(domain="gender", name="spread"),
        Difference(domain="gender", groups=["a", "b"], at_least=9, name="looser"),
    ]
    found = scores(metrics, samples, answers)
    assert (found["difference"].value, found["difference"].n) == (None, 0)
    assert found["spread"].value is None
    assert found["looser"].n == 19
    assert (found["looser"].value or 0) > 0.5


def test_clusters_count_once() -> None:
    one_page = [sample("a", 0)] * 20 + [sample("b", i) for i in range(20)]
    answers = [written(GOOD), written(BAD)] * 20
    found = scores([Difference(domain="gender", groups=["a", "b"], name="d")], one_page, answers)
    assert found["d"].clusters == 21


def test_two_groups_are_needed() -> None:
    with pytest.raises(UserError, match="two groups"):
        Difference(domain="gender", groups=["a"])


def test_signatures_name_the_lexicon() -> None:
    assert "lexicon:1-vader-" in Sentiment().signature
    assert "words:2-" in RegardLexical().signature
    assert "at_least:10" in Spread(domain="race").signature
