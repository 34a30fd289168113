"""What a text costs lm-evaluation-harness through its `local-completions`: CPU microseconds a request, and seconds in all.

python endpoints_peer.py BASE_URL REQUESTS CONCURRENCY
"""

from __future__ import annotations

import json
import sys
import time


def main(url: str, count: int, in_flight: int) -> None:
    """Print both as JSON."""
    from endpoints_cost import cpu_seconds, prompts
    from lm_eval.api.instance import Instance
    from lm_eval.models.openai_completions import LocalCompletionsAPI

    model = LocalCompletionsAPI(
        base_url=f"{url}/completions",
        model="benchmark",
        tokenizer_backend=None,
        tokenized_requests=False,
        num_concurrent=in_flight,
    )

    def ask(texts: list[str]) -> list[str]:
        wanted = {"until": ["\n\n\n"], "max_gen_toks": 256, "do_sample": False}
        requests = [Instance("generate_until", {}, (text, dict(wanted)), at) for at, text in enumerate(texts)]
        answers: list[str] = model.generate_until(requests, disable_tqdm=True)
        return answers

    ask([f"warm {at}" for at in range(50)])
    texts = prompts(count)
    before, began = cpu_seconds(), time.perf_counter()
    answers = ask(texts)
    used, took = cpu_seconds() - before, time.perf_counter() - began
    assert len(answers) == count
    assert all(answers)
    print(json.dumps([1e6 * used / count, took]))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
