"""Looks up prices in the user's file or in the package genai-prices. They are never guessed."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lsm_eval.endpoints.cost.prices import Prices, Rates, Steps, flat
from lsm_eval.errors import UserError
from lsm_eval.money import token_price

if TYPE_CHECKING:
    from genai_prices.types import ModelInfo, ModelPrice

_KEYS = ("input", "output", "cached-input")
_MOST = Decimal(1_000_000)
_SHAPE = "write {input: 2.00, output: 8.00}, in US dollars per million tokens, and cached-input if it has another price"


def find_prices(model: str, base_url: str, file: Path | None) -> Prices | None:
    """Prices of what the server at `base_url` calls `model`: from the user's file if it has them, otherwise from genai-prices,
    which knows servers by their address. None if neither has them. Raises `UserError` if the file is not a list of prices."""
    own = read_prices(file).get(model) if file is not None else None
    return own if own is not None else _published(model, base_url)


def lacking() -> str:
    """Advice about an unknown price, as the rest of a sentence: to install the package if it is missing."""
    try:
        import genai_prices  # noqa: F401
    except ImportError:
        return ", or install the package that knows those of many (pip install 'lsm-eval[endpoints]')"
    return ""


def read_prices(file: Path) -> dict[str, Prices]:
    """The prices in a file (YAML or JSON): a mapping from a model's name to its prices. Raises `UserError`."""
    from lsm_eval.paths import expanded
    from lsm_eval.yaml_reader import read_yaml

    path = expanded(str(file))
    content = read_yaml(path)
    if not isinstance(content, dict) or not content:
        raise UserError(f"--prices {file}: is no mapping from models to prices: {_SHAPE} behind each name.")
    source = f"{path.name} (SHA-256 {hashlib.sha256(path.read_bytes()).hexdigest()[:16]})"
    return {str(name): _own(file, str(name), one, source) for name, one in content.items()}


def _own(file: Path, name: str, found: Any, source: str) -> Prices:
    if not isinstance(found, dict) or not {"input", "output"} <= set(found) <= set(_KEYS):
        raise UserError(f"--prices {file}: {name!r} has not the keys input and output: {_SHAPE}.")
    price = {key: flat(_number(file, name, key, value)) for key, value in found.items()}
    read = price["input"]
    cached = price.get("cached-input", read)
    return Prices((Rates(read, price["output"], cached, read, price["output"]),), source)


def _number(file: Path, name: str, key: str, value: Any) -> int:
    try:
        price = Decimal(str(value)) if not isinstance(value, bool) else Decimal("nan")
    except InvalidOperation:
        price = Decimal("nan")
    if not price.is_finite() or not 0 <= price <= _MOST:
        raise UserError(f"--prices {file}: {key} of {name!r} is no price: {_SHAPE}.")
    return token_price(price)


def _published(model: str, base_url: str) -> Prices | None:
    try:
        from genai_prices.data_snapshot import get_snapshot
    except ImportError:
        return None
    try:
        provider, found = get_snapshot().find_provider_model(model, None, None, base_url)
    except LookupError:
        return None
    rates = [_rates(price) for price in _of_today(found)]
    there = tuple(one for one in rates if one is not None)
    if not there or len(there) < len(rates):
        return None
    return Prices(there, f"genai-prices {version('genai-prices')}, {provider.id}: {found.id}")


def _of_today(model: ModelInfo) -> list[ModelPrice]:
    """The prices that hold at some time today; the package lists those with precedence last."""
    from genai_prices.types import ModelPrice, TimeOfDateConstraint

    if isinstance(model.prices, ModelPrice):
        return [model.prices]
    found = []
    for one in reversed(model.prices):
        if isinstance(one.constraint, TimeOfDateConstraint):
            found.append(one.prices)
        elif one.constraint is None or one.constraint.active(datetime.now(UTC)):
            return [*found, one.prices]
    return found or [one.prices for one in model.prices[:1]]


def _rates(price: ModelPrice) -> Rates | None:
    """None if it lacks the price of input or of output tokens."""
    read, new = _steps(price.input_mtok), _steps(price.output_mtok)
    if read is None or new is None:
        return None
    requests = price.requests_kcount
    return Rates(
        read,
        new,
        _steps(price.cache_read_mtok) or read,
        _steps(price.cache_write_mtok) or read,
        _steps(price.output_reasoning_mtok) or new,
        token_price(requests, 1000) if isinstance(requests, Decimal) else 0,
    )


def _steps(price: Any) -> Steps | None:
    """None if there is no price."""
    if price is None:
        return None
    if isinstance(price, Decimal):
        return flat(token_price(price))
    return ((-1, token_price(price.base)), *((tier.start, token_price(tier.price)) for tier in price.tiers))
