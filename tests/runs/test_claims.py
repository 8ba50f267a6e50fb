"""The ledger: what each kind of claim needs, and how a verdict follows from an interval."""

import json
from pathlib import Path

import pytest

from disentangle.runs import claims
from disentangle.runs.claims import Decider, LedgerError, ledger, load_claims, problems, to_json
from disentangle.runs.ledger import number
from disentangle.runs.ledger_page import Waiting, ledger_markdown
from disentangle.runs.verdicts import decide

REPOSITORY = Path(__file__).resolve().parents[2]
FINDING = "toy.cohort.auc.model"


def finding(low, high, better="higher", name=FINDING):
    value = None if low is None else (low + high) / 2
    return {
        "id": name, "what": "AUC of test people", "value": value, "low": low, "high": high,
        "n": 60, "unit": "AUC", "better": better,
    }  # fmt: skip


def project(folder: Path, claim: str, *findings, real=True) -> Path:
    """A project with one claim, and a record of the page ``chapter`` with these findings."""
    (folder / "book" / "results").mkdir(parents=True)
    (folder / "book" / "claims.yml").write_text(f"claims:\n  toy.1: {claim}\n")
    data = [{"name": "cohort", "real": real}]
    record = {"page": "chapter", "status": "ok", "data": data, "findings": findings}
    (folder / "book" / "results" / "chapter.json").write_text(json.dumps(record))
    return folder


def verdict(kind, low, high, better="higher", real=True, **limits):
    decider = Decider(page="chapter", finding=FINDING, **limits)
    return decide(kind, decider, finding(low, high, better), real)[0]


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [(0.01, 0.05, "holds"), (-0.05, -0.01, "fails"), (-0.01, 0.05, "undecided"), (0.0, 0.05, "undecided")],
)
def test_a_direction_is_decided_by_the_side_of_zero_on_which_the_whole_interval_lies(low, high, expected):
    assert verdict("direction", low, high) == expected


def test_a_lower_error_is_a_win_and_an_expected_side_overrides_that():
    assert verdict("direction", -0.05, -0.01, better="lower") == "holds"
    assert verdict("direction", -0.05, -0.01, better="lower", expected="above") == "fails"
    assert verdict("direction", 0.01, 0.05, better="neither") == "undecided"


@pytest.mark.parametrize(
    ("low", "high", "expected"), [(0.981, 0.99, "holds"), (0.94, 0.97, "fails"), (0.97, 0.99, "undecided")]
)
def test_a_size_is_decided_by_the_stated_value(low, high, expected):
    assert verdict("size", low, high, threshold=0.98) == expected


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [(-0.01, 0.015, "holds"), (0.03, 0.05, "fails"), (-0.05, -0.03, "fails"), (-0.01, 0.03, "undecided")],
)
def test_an_equivalence_needs_the_whole_interval_inside_the_margin(low, high, expected):
    assert verdict("equivalence", low, high, margin=0.02) == expected


def test_on_simulated_data_a_published_size_is_never_decided(tmp_path):
    assert verdict("size", 0.985, 0.99, threshold=0.98, real=False) == "undecided"
    claim = (
        "{statement: s, kind: size, decided_by: "
        f"[{{page: chapter, finding: {FINDING}, threshold: 0.98, no_effect: 0.5}}]}}"
    )
    (row,) = ledger(project(tmp_path, claim, finding(0.8, 0.9), real=False))
    assert (row.verdict, row.wording, row.real) == ("holds", "holds, direction only", False)
    assert "0.98 cannot be decided on simulated data" in row.reason


def test_without_an_interval_nothing_is_decided():
    assert verdict("direction", None, None) == "undecided"


def test_a_theory_is_untested_and_a_figure_without_a_limit_undecided():
    assert verdict("theory", 1, 2) == "untested"
    assert verdict("qualitative", 0.6, 0.7) == "undecided"
    assert verdict("qualitative", 0.6, 0.7, threshold=0.5) == "holds"


def test_a_missing_finding_is_untested_and_an_error_unless_an_obstacle_is_named(tmp_path):
    decider = "[{page: chapter, finding: toy.cohort.auc.modell}]"
    claim = f"{{statement: s, kind: direction, decided_by: {decider}}}"
    root = project(tmp_path / "a", claim, finding(0.1, 0.2))
    (row,) = ledger(root)
    assert row.verdict == "untested" and f"near: {FINDING}" in row.reason
    (problem,) = problems(root)
    assert problem.startswith("claim toy.1: chapter does not record toy.cohort.auc.modell")
    assert problem.endswith("no obstacle is named")
    named = f"{{statement: s, kind: direction, obstacle: no scans with outcomes, decided_by: {decider}}}"
    root = project(tmp_path / "b", named, finding(0.1, 0.2))
    assert ledger(root)[0].reason == "no scans with outcomes"
    assert problems(root) == []


def test_each_deciding_finding_has_its_own_verdict_and_a_failed_run_decides_nothing(tmp_path):
    other = "toy.cohort.ssim.a-b"
    claim = (
        f"{{statement: s, kind: direction, decided_by: [{{page: chapter, finding: {FINDING}}}, "
        f"{{page: chapter, finding: {other}, kind: equivalence, margin: 0.02}}]}}"
    )
    root = project(tmp_path, claim, finding(0.1, 0.2), finding(0.03, 0.05, name=other))
    verdicts = [(row.kind, row.verdict) for row in ledger(root)]
    assert verdicts == [("direction", "holds"), ("equivalence", "fails")]
    path = root / "book" / "results" / "chapter.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "status": "failed"}))
    assert {row.verdict for row in ledger(root)} == {"untested"}


@pytest.mark.parametrize(
    ("claim", "said"),
    [
        ("{statement: s, kind: direction}", "neither a deciding finding nor an obstacle"),
        ("{statement: s, kind: sizes, obstacle: o}", "kind"),
        (f"{{statement: s, kind: size, decided_by: [{{page: p, finding: {FINDING}}}]}}", "no threshold"),
        ("{statement: s, kind: qualitative, obstacle: o}", "names no figure"),
        ("{statement: s, kind: theory, obstacle: o, verdict: holds}", "verdict"),
    ],
)
def test_a_claim_that_cannot_be_decided_is_refused_by_name(tmp_path, claim, said):
    root = project(tmp_path, claim)
    with pytest.raises(LedgerError, match=f"claim toy.1: .*{said}"):
        load_claims(root)
    assert len(problems(root)) == 1


def test_unknown_pages_are_reported(tmp_path):
    claim = f"{{statement: s, kind: direction, decided_by: [{{page: chapter, finding: {FINDING}}}]}}"
    root = project(tmp_path, claim, finding(0.1, 0.2))
    assert problems(root, pages=["chapter"]) == []
    assert problems(root, pages=["another"]) == ["claim toy.1: no page chapter in pages.yml"]


def test_our_ledger_holds_the_seven_lesion_claims_and_no_verdicts():
    known = {claim.id for claim in load_claims(REPOSITORY)}
    assert {f"lesion_vae.{n}" for n in range(1, 8)} <= known
    assert "verdict" not in Decider.model_fields and "verdict" not in claims.Claim.model_fields


def test_the_page_says_verdict_value_interval_data_and_link(tmp_path):
    claim = (
        "{statement: 'a | b', kind: direction, published: {value: '0.98', where: abstract}, "
        f"decided_by: [{{page: chapter, finding: {FINDING}}}]}}"
    )
    rows = ledger(project(tmp_path, claim, finding(0.1, 0.2)), stale=lambda page: "the code has changed")
    text = ledger_markdown(rows, lambda page: f"[{page}](x)")
    parts = ("holds", "0.150 [0.100, 0.200] AUC", "real", "[chapter](x)", "0.98", r"a \| b", "stale record")
    assert [part for part in parts if part not in text] == []
    assert json.loads(to_json(rows))[0]["verdict"] == "holds"


def test_the_page_counts_verdicts_and_how_many_intervals_chance_alone_makes_miss(tmp_path):
    claim = "{statement: s, kind: direction, decided_by: ["
    claim += ", ".join(f"{{page: chapter, finding: {FINDING}{n}}}" for n in range(40)) + "], obstacle: none}"
    found = [finding(0.1, 0.2, name=f"{FINDING}{n}") for n in range(30)]
    rows = ledger(project(tmp_path, claim, *found))
    text = ledger_markdown(rows, str)
    assert "1 claims and 40 verdicts" in text and "30 verdicts rest on" in text
    assert "about 1.5 of them" in text
    assert "| **all** | 1 | 30 | 0 | 0 | 10 |" in text


def test_a_verdict_leads_to_the_cell_that_computed_its_value_and_to_its_run(tmp_path):
    claim = f"{{statement: s, kind: direction, decided_by: [{{page: chapter, finding: {FINDING}}}]}}"
    root = project(tmp_path, claim, finding(0.1, 0.2))
    path = root / "book" / "results" / "chapter.json"
    record = json.loads(path.read_text()) | {"commit": "abcdef0123456789", "started": "2026-01-02T03:04:05Z"}
    path.write_text(json.dumps(record))
    text = ledger_markdown(ledger(root), str, lambda page, name: f"cell-{page}-3" if name == FINDING else None)
    assert text.count("(#cell-chapter-3)") == 2 and "run `abcdef0123` of 2026-01-02" in text


def test_the_page_lists_the_cells_for_which_an_untested_claim_waits(tmp_path):
    claim = f"{{statement: s, kind: direction, obstacle: o, decided_by: [{{page: chapter, finding: {FINDING}}}]}}"
    text = ledger_markdown(ledger(project(tmp_path, claim)), str, waiting={"chapter": Waiting(("one_seed0",), 4)})
    assert "chapter: 1 of 4 cells are missing" in text and "`one_seed0`" in text


def test_numbers_keep_three_digits():
    assert [number(x) for x in (0.8461, -0.0123, 12.34, 204.6)] == ["0.846", "-0.012", "12.3", "205"]
