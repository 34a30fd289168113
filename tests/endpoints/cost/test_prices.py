"""Prices: of the user's file, of genai-prices (which is held against its own arithmetic), and of nobody."""

from __future__ import annotations

import random
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from genai_prices import Usage as TheirUsage
from genai_prices.data_snapshot import get_snapshot
from genai_prices.types import StartDateConstraint

from lsm_eval.endpoints.cost.lookup import find_prices, read_prices
from lsm_eval.endpoints.cost.prices import Rates, dearest, flat, price_at
from lsm_eval.endpoints.cost.usage import Usage
from lsm_eval.errors import UserError
from lsm_eval.money import DOLLAR

OPENAI = "https://api.openai.com/v1"
ADDRESSES = {
    "openai": OPENAI,
    "anthropic": "https://api.anthropic.com/v1",
    "google": "https://generativelanguage.googleapis.com/v1beta/openai",
    "openrouter": "https://openrouter.ai/api/v1",
    "x-ai": "https://api.x.ai/v1",
    "mistral": "https://api.mistral.ai/v1",
}


def test_published_prices_are_those_of_the_package() -> None:
    """Every model of six providers whose price is one at all times of the day, tiers by the prompt's length included."""
    draw = random.Random(5)
    checked = tiered = 0
    for provider in get_snapshot().providers:
        for model in provider.models if provider.id in ADDRESSES else ():
            constraints = [one.constraint for one in model.prices] if isinstance(model.prices, list) else []
            if not all(one is None or isinstance(one, StartDateConstraint) for one in constraints):
                continue
            ours = find_prices(model.id, ADDRESSES[provider.id], None)
            try:
                their_provider, found = get_snapshot().find_provider_model(
                    model.id, None, None, ADDRESSES[provider.id]
                )
            except LookupError:
                assert ours is None
                continue
            price = found.get_prices(datetime.now(UTC))
            if ours is None:
                assert price.input_mtok is None or price.output_mtok is None
                continue
            for _ in range(3):
                read, new = draw.choice((1, 900, 150_000, 300_000, 2_000_000)), draw.randint(0, 9000)
                cached = draw.randint(0, read) if price.cache_read_mtok is not None else 0
                theirs = found.calc_price(
                    TheirUsage(input_tokens=read, output_tokens=new, cache_read_tokens=cached), their_provider
                ).total_price  # fmt: skip
                mine = ours.cost(Usage(read, new, cached))
                most = read + new + 1  # each token's price is rounded up to a picodollar
                assert 0 <= mine - int(theirs * DOLLAR) <= most, (model.id, read, new, cached)
                assert mine <= ours.most(read, new)
                checked += 1
                tiered += len(ours.rates[0].input) > 1
    assert checked > 1000
    assert tiered > 50


@pytest.mark.parametrize(
    ("model", "address"),
    [
        ("gpt-4.1", "http://localhost:8000/v1"),
        ("gpt-4.1", "https://example.com/v1"),
        ("no-such-model", OPENAI),
        ("Qwen/Qwen3-8B", OPENAI),
    ],
)
def test_what_nobody_names_has_no_price(model: str, address: str) -> None:
    """A model's name at a server of one's own says nothing of what that server charges."""
    assert find_prices(model, address, None) is None


def test_the_time_of_day_counts_at_its_dearest() -> None:
    found = find_prices("deepseek-reasoner", "https://api.deepseek.com/v1", None)
    assert found is not None
    if len(found.rates) > 1:  # while the package has two
        used = Usage(1000, 100)
        assert found.cost(used) == max(one.cost(used) for one in found.rates)
        assert len({one.cost(used) for one in found.rates}) > 1


def test_tiers_are_of_the_whole_prompt() -> None:
    steps = ((-1, 3), (200_000, 6))
    assert [price_at(steps, n) for n in (0, 200_000, 200_001)] == [3, 3, 6]
    falling = ((-1, 5), (10, 2))
    assert (dearest(falling, 100), dearest(steps, 199_999), dearest(steps, 200_001)) == (5, 3, 6)
    rates = Rates(steps, ((-1, 10), (200_000, 20)), flat(1), flat(4), flat(30))
    assert (
        rates.cost(Usage(200_001, 10, cached=1, written=2, reasoning=4))
        == 199_998 * 6 + 1 + 8 + 6 * 20 + 4 * 30
    )


def test_a_file_of_prices(tmp_path: Path) -> None:
    path = tmp_path / "prices.yaml"
    path.write_text(
        "gpt-4.1: {input: 1.5, output: 6, cached-input: '0.1'}\n'local/small:8b': {input: 0, output: 0}\n"
    )
    found = read_prices(path)["gpt-4.1"]
    assert found.cost(Usage(1_000_000, 1_000_000)) == int(Decimal("7.5") * DOLLAR)
    assert found.cost(Usage(1_000_000, 0, cached=1_000_000)) == DOLLAR // 10
    assert found.source.startswith("prices.yaml (SHA-256 ")
    own = find_prices("gpt-4.1", OPENAI, path)
    assert own == found, "the user's file goes first"
    other = find_prices("gpt-4o-mini", OPENAI, path)
    assert other is not None
    assert other.source.startswith("genai-prices ")
    assert find_prices("local/small:8b", "http://localhost/v1", path) is not None
    (tmp_path / "prices.json").write_text('{"m": {"input": 2.00, "output": 8}}')
    assert read_prices(tmp_path / "prices.json")["m"].cost(Usage(1, 1)) == 10_000_000


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "no mapping"),
        ("- a", "no mapping"),
        ("m: 3", "has not the keys input and output"),
        ("m: {input: 1}", "has not the keys input and output"),
        ("m: {input: 1, output: 2, inptu: 3}", "has not the keys"),
        ("m: {input: -1, output: 2}", "input of 'm' is no price"),
        ("m: {input: 1, output: .nan}", "output of 'm' is no price"),
        ("m: {input: true, output: 2}", "input of 'm' is no price"),
        ("m: {input: [1], output: 2}", "input of 'm' is no price"),
        ("m: {input: 1, output: 2}\nm: {input: 3, output: 2}", "given twice"),
        ("m: {input: 1", "not valid YAML"),
    ],
)  # fmt: skip
def test_what_is_no_file_of_prices(text: str, said: str, tmp_path: Path) -> None:
    path = tmp_path / "p.yaml"
    path.write_text(text)
    with pytest.raises(UserError, match=said):
        read_prices(path)


def test_no_such_file(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="cannot be read"):
        read_prices(tmp_path / "no.yaml")
