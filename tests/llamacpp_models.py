"""Models of `llama.cpp:FILE.gguf`: their chat templates, and what makes one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

CHAT = (
    "{{ bos_token }}{% for m in messages %}<start_of_turn>{{ m.role }}\n{{ m.content }}\n{% endfor %}"
    "{% if add_generation_prompt %}<start_of_turn>model\n{% endif %}"
)
NO_SYSTEM = (
    "{% for m in messages %}{% if m.role == 'system' %}{{ raise_exception('no system') }}{% endif %}{% endfor %}"
    + CHAT
)
Make = Callable[..., Any]
