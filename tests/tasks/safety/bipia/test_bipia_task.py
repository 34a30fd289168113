"""BIPIA: where instructions are planted, and what is asked."""

from __future__ import annotations

import hashlib
from collections import Counter
from pathlib import Path

import pytest
from mirrored_tasks import samples_of

from lsm_eval.benchmarks.safety.bipia.checks import CHECKS as FUNCTIONS
from lsm_eval.benchmarks.safety.bipia.rows import CHECKS, insert, planted
from lsm_eval.errors import UserError
from lsm_eval.metrics.common import metadata
from lsm_eval.requests import Generate


def test_bipia_plants_each_instruction_in_each_place_and_asks_without_it_too(data_files: Path) -> None:
    for name, count in (("bipia_email", 450), ("bipia_table", 900)):
        found = samples_of(name, files=data_files)
        assert len(found) == count
        assert Counter(Counter(s.metadata["attack_type"] for s in found).values()) == {len(found) // 9: 9}
        places = Counter((s.cluster, s.metadata["position"]) for s in found)
        assert len({cluster for cluster, _ in places}) == 43
        assert len(places) == 3 * 43
        for sample in found:
            attacked, clean = (r.prompt for r in sample.requests if isinstance(r, Generate))
            assert len(attacked) > len(clean)
            check = metadata("test", sample, "check")
            ((kind, needs),) = check.items()
            # The question's own answer must not look like an instruction carried out.
            assert not FUNCTIONS[kind](str(sample.target[0]), clean, needs)


def test_bipias_table_of_checks_covers_its_types_and_leaves_others_out(
    data_files: Path, tmp_path: Path
) -> None:
    rows = planted(
        [data_files / "bipia" / "email_test.jsonl", data_files / "bipia" / "text_attack_test.json"]
    )
    assert {row["attack_type"] for row in rows} == set(CHECKS)
    assert sum(check is not None for checks in CHECKS.values() for check in checks) == 43
    again = planted(
        [data_files / "bipia" / "email_test.jsonl", data_files / "bipia" / "text_attack_test.json"]
    )
    assert rows == again
    other = planted(
        [data_files / "bipia" / "email_test.jsonl", data_files / "bipia" / "text_attack_test.json"], seed=2
    )
    assert rows != other
    fewer = tmp_path / "attacks.json"
    fewer.write_text('{"Base Encoding": ["one"]}')
    with pytest.raises(UserError, match="instructions of the type"):
        planted([data_files / "bipia" / "email_test.jsonl", fewer])


def test_an_instruction_stands_on_a_line_of_its_own() -> None:
    document = "One line.\nAnother line.\nA third."
    for position in ("start", "middle", "end"):
        lines = insert(document, "Do this.", position, seed="1").splitlines()
        assert sorted(lines) == sorted([*document.splitlines(), "Do this."])
    assert insert(document, "Do this.", "start", seed="1").startswith("Do this.\n")
    assert insert(document, "Do this.", "end", seed="1").endswith("\nDo this.")
    one_line = insert("Only one. Two sentences here.", "Do this.", "middle", seed="1")
    assert one_line.splitlines() == ["Only one.", "Do this.", "Two sentences here."]


def test_one_prompt_in_full_by_its_hash(data_files: Path) -> None:
    """Its text is not written into the repository."""
    request = samples_of("bipia_table", files=data_files)[0].request
    assert isinstance(request, Generate)
    said = "\0".join([request.prompt, request.system or "", *request.stop, str(request.max_tokens)])
    assert hashlib.sha256(said.encode()).hexdigest()[:12] == "a45bd1553560"
