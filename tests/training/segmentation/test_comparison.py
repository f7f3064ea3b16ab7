"""Tests of training.segmentation.comparison: means and paired differences by hand."""

from training.segmentation.comparison import Outcome, control_of, csv_text, differences, markdown, means_of, spread_text

RUNS = [
    Outcome("joint", "published", 1, {"WT": 0.8, "TC": 0.6}),
    Outcome("joint", "flip", 1, {"WT": 0.9, "TC": 0.6}),
    Outcome("joint-dice", "published", 1, {"WT": 0.7, "TC": 0.7}),
    Outcome("joint", "published", 2, {"WT": 0.6, "TC": 0.5}),
]


def test_rows_are_means_over_their_seeds() -> None:
    """.8 and .6 give .7; other rules are a row of their own."""
    means = means_of(RUNS)
    assert list(means) == ["joint", "joint + flip", "joint-dice"]
    assert round(means["joint"]["WT"], 9) == 0.7
    assert means["joint + flip"]["WT"] == 0.9


def test_a_difference_pairs_the_seeds_that_both_have() -> None:
    """Seed 1 alone: .7 - .8 and .7 - .6, whatever seed 2 of the control reached."""
    gap = differences(RUNS, "joint-dice", "joint")
    assert {column: round(value, 9) for column, value in gap.items()} == {"WT": -0.1, "TC": 0.1}
    assert differences(RUNS, "joint-dice", "missing") == {}


def test_a_variant_is_compared_with_the_unchanged_simulator() -> None:
    """``joint@training`` where it was run, else the control of all."""
    rows = ["joint", "joint@training", "joint@no-texture"]
    assert control_of("joint@no-texture", rows, control="joint") == "joint@training"
    assert control_of("joint@no-texture", rows[::2], control="joint") == "joint"
    assert control_of("joint@training", rows, control="joint@training") == "joint@training"


def test_the_table_says_what_a_difference_weighs() -> None:
    """Mean with its difference in brackets, and below the table the spread of the control's seeds."""
    table = markdown(RUNS, control="joint")
    assert "| joint | 1 2 | 0.700 | 0.550 |" in table
    assert "| joint-dice | 1 | 0.700 (-0.100) | 0.700 (+0.100) |" in table
    assert "two seeds of joint: WT 0.200, TC 0.100." in table
    assert "unknown" in spread_text(RUNS[:2], "joint-dice")


def test_the_csv_has_a_line_a_run() -> None:
    """Columns that were not measured are empty."""
    lines = csv_text(RUNS).splitlines()
    assert lines[0].startswith("arm,rules,seed,WT,TC,ET")
    assert lines[2] == "joint,flip,1,0.9,0.6,,,,,,"
