"""Tests of training.study.reader_test.scoring and .answers: readers scored by hand."""

import math
from pathlib import Path

import pytest

from gliosynth.errors import InvalidInputError
from gliosynth.labels import Contrast
from training.study.reader_test.answers import COLUMNS, Answer, Key, read_answers, read_key, write_key
from training.study.reader_test.report import scores_csv, scores_markdown
from training.study.reader_test.scoring import agreements, cohen_kappa, exact_interval, score_readers
from training.study.reader_test.sheet import Item

KEY = Key(
    "sheet-1",
    tuple(
        Item(number, Contrast.T1N if number <= 4 else Contrast.T2F, synthetic=number % 2 == 0, case=f"c{number}")
        for number in range(1, 9)
    ),
)
"""Items 1 to 4 are T1, 5 to 8 FLAIR; even ones are synthetic."""


def answers(reader: str, judged: str, scores: str = "") -> list[Answer]:
    """Returns a reader's answers to items 1, 2, ...: r or s, and a quality digit or - for none."""
    marks = scores.ljust(len(judged), "-")
    return [
        Answer(reader, number, letter == "s", None if mark == "-" else int(mark), "")
        for number, (letter, mark) in enumerate(zip(judged, marks, strict=True), start=1)
    ]


def test_misclassified_counts_both_kinds_of_error() -> None:
    """Of r s r s | s r r s items 5 (real as synthetic) and 6 (synthetic as real) are wrong: 0 of 4, 2 of 4, 2 of 8."""
    t1, flair, both = score_readers(answers("ab", "rsrssrrs"), KEY)
    assert [(one.contrast, one.misclassified, one.judged) for one in (t1, flair, both)] == [
        (Contrast.T1N, 0, 4),
        (Contrast.T2F, 2, 4),
        (None, 2, 8),
    ]
    assert (both.accuracy, both.misclassified_share) == (0.75, 0.25)
    assert (both.fooled, both.synthetic) == (1, 4)
    assert flair.p_chance == 1.0
    assert both.p_chance == pytest.approx(2 * (1 + 8 + 28) / 256)


def test_quality_is_averaged_apart() -> None:
    """Real items 1 and 3 score 4 and 5, synthetic item 2 scores 2; item 4 has no score, FLAIR none at all."""
    t1, flair, _ = score_readers(answers("ab", "rsrsrsrs", "425-"), KEY)
    assert (t1.quality_real, t1.quality_synthetic) == (4.5, 2.0)
    assert math.isnan(flair.quality_real)


def test_exact_interval_of_the_papers_share() -> None:
    """5 of 19 images, 26.3 %: Clopper-Pearson 9.1 to 51.2 %; none of 10: 0 to 1 - .025^(1/10)."""
    paper = exact_interval(5, 19)
    assert (round(paper.low, 3), round(paper.high, 3)) == (0.091, 0.512)
    none = exact_interval(0, 10)
    assert none.low == 0.0
    assert none.high == pytest.approx(1 - 0.025**0.1)


def test_kappa_by_hand() -> None:
    """20 and 15 of 50 agreed: p_o = .7, p_e = .5, kappa = .4 (the usual textbook example)."""
    first = [True] * 25 + [False] * 25
    second = [True] * 20 + [False] * 5 + [True] * 10 + [False] * 15
    assert cohen_kappa(first, second) == pytest.approx(0.4)
    assert cohen_kappa([True, False], [False, True]) == -1.0
    assert cohen_kappa([True, True], [True, True]) == 1.0


def test_agreement_is_over_items_that_both_judged() -> None:
    """The second reader judged two items of four, one the same way."""
    (found,) = agreements([*answers("ab", "rsrs"), *answers("cd", "rr")])
    assert (found.readers, found.items, found.kappa) == (("ab", "cd"), 2, 0.0)


def test_report_names_the_papers_figures_and_ours() -> None:
    """A row a contrast, the paper's share beside it, and one for all."""
    scores = score_readers([*answers("ab", "rsrssrrs"), *answers("cd", "rsrsrsrs")], KEY)
    text = scores_markdown(scores, agreements([*answers("ab", "rsrssrrs"), *answers("cd", "rsrsrsrs")]))
    assert "| ab | T2-FLAIR | 4 | 50.0 | 50.0 (6.8 to 93.2) | 1.000 | 1 of 2 | none / none | 26.3 |" in text
    assert "| ab and cd | 8 | 0.50 |" in text
    assert scores_csv(scores).splitlines()[3].startswith("ab,all,8,2,0.25,")


def test_key_and_answers_come_back_from_their_files(tmp_path: Path) -> None:
    """What the page saves is what is scored; a line without judgement is no answer."""
    write_key(tmp_path / "key.json", KEY)
    assert read_key(tmp_path / "key.json") == KEY
    lines = [
        ",".join(COLUMNS),
        "sheet-1,ab,1,real,4,",
        'sheet-1,ab,2,synthetic,,"too smooth, I think"',
        "sheet-1,ab,3,,,",
    ]
    (tmp_path / "a.csv").write_text("\n".join(lines) + "\n")
    assert read_answers(tmp_path / "a.csv", KEY) == (
        Answer("ab", 1, False, 4, ""),
        Answer("ab", 2, True, None, "too smooth, I think"),
    )


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("sheet-2,ab,1,real,4,", "sheet-2"),
        ("sheet-1,ab,99,real,4,", "item 99"),
        ("sheet-1,ab,1,fake,4,", "fake"),
        ("sheet-1,ab,1,real,7,", "7"),
        ("sheet-1,ab,x,real,4,", "x"),
    ],
)
def test_answers_that_cannot_be_scored_name_their_line(tmp_path: Path, line: str, message: str) -> None:
    """Another sheet, an unknown item, no such judgement, no such score, no number."""
    (tmp_path / "a.csv").write_text(f"{','.join(COLUMNS)}\n{line}\n")
    with pytest.raises(InvalidInputError, match=rf"line 2: .*{message}"):
        read_answers(tmp_path / "a.csv", KEY)


def test_an_item_is_answered_once_and_something_must_be(tmp_path: Path) -> None:
    """Two answers of one reader to one item are refused, as is a file without any."""
    (tmp_path / "a.csv").write_text(f"{','.join(COLUMNS)}\nsheet-1,ab,1,real,,\nsheet-1,ab,1,synthetic,,\n")
    with pytest.raises(InvalidInputError, match=r"line 3: .*twice"):
        read_answers(tmp_path / "a.csv", KEY)
    with pytest.raises(InvalidInputError, match="no item was judged"):
        score_readers([], KEY)


def test_a_foreign_key_is_refused(tmp_path: Path) -> None:
    """A file that is no key says so."""
    (tmp_path / "key.json").write_text('{"test": "x"}')
    with pytest.raises(InvalidInputError, match="not the key"):
        read_key(tmp_path / "key.json")
