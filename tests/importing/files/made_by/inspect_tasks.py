"""Small tasks without a network: the answers are those of Inspect's own mock model."""

from inspect_ai import Task, task
from inspect_ai.dataset import Sample
from inspect_ai.scorer import Score, accuracy, includes, match, mean, scorer, stderr
from inspect_ai.solver import generate, solver


@scorer(metrics={"length": [mean(), stderr()], "vowels": [mean()]})
def shape():
    async def score(state, target):
        text = state.output.completion
        return Score(
            value={"length": len(text), "vowels": sum(c in "aeiou" for c in text) / max(len(text), 1)},
            answer=text,
        )

    return score


@scorer(metrics=[accuracy(), stderr()])
def partly():
    async def score(state, target):
        text = state.output.completion
        value = "C" if text == target.text else "P" if target.text in text else "N" if not text else "I"
        return Score(value=value, answer=text, explanation="how much of it is right")

    return score


def samples():
    return [
        Sample(id="sky", input="What colour is the sky?", target="blue", metadata={"kind": "nature"}),
        Sample(id="grass", input="What colour is grass?", target="green", metadata={"kind": "nature"}),
        Sample(id="coal", input="What colour is coal?", target="black"),
        Sample(id="empty", input="Say nothing.", target="nothing"),
        Sample(id=5, input="What colour is snow?", target="white"),
    ]


@task
def colours():
    return Task(dataset=samples(), solver=[generate()], scorer=[match(), partly(), shape()])


@solver
def refusing():
    async def solve(state, generate):
        if state.sample_id == "empty":
            raise ValueError("the answer was lost")
        return state

    return solve


@task
def colours_epochs():
    return Task(
        dataset=samples()[:4], solver=[refusing(), generate()], scorer=includes(), fail_on_error=False
    )
