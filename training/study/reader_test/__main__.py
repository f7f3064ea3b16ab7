"""Makes a reader test, and scores what readers answered.

    python -m training.study.reader_test make --real cases/ --synthetic cohort/ --count 20 --seed 1 --out test/
    python -m training.study.reader_test score --answers answers-ab.csv answers-cd.csv --key test-key.json --out result/

``make`` writes test/index.html with its pictures (hand the folder over: it opens in any browser, without a network) and
the key beside the folder, where readers do not get it. Readers save their answers as CSV from the page. ``score``
prints accuracy, misclassified shares with exact intervals, agreement and quality, and writes them as Markdown and CSV.

Folders hold cases in any layout that training reads (BraTS, Decathlon, BIDS: our own cohorts are BIDS), or are rings.
Give both at one voxel size (rings of 2 mm slices beside cases of 1 mm can be told apart by that alone). The real cases
are shown and nothing else: no network is trained on them.
"""

import argparse
import sys
from pathlib import Path

import numpy as np

from gliosynth.errors import GliosynthError, InvalidParameterError
from training.study.reader_test.answers import Answer, read_answers, read_key, write_key
from training.study.reader_test.cases import Reader, find_readers
from training.study.reader_test.page import write_sheet
from training.study.reader_test.report import scores_csv, scores_markdown
from training.study.reader_test.scoring import agreements, score_readers
from training.study.reader_test.sheet import Item, ReaderCase, choose_items


def main(arguments: list[str] | None = None) -> int:
    """Runs the command and returns its exit code: 0, or 2 where the input is at fault."""
    line = _parser().parse_args(arguments)
    try:
        if line.command == "make":
            _make(line)
        else:
            _score(line)
    except GliosynthError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


def _make(line: argparse.Namespace) -> None:
    """Writes sheet and key."""
    key_file = line.key or line.out.with_name(f"{line.out.name}-key.json")
    if key_file.resolve().is_relative_to(line.out.resolve()):
        raise InvalidParameterError(
            f"{key_file} lies in the folder that readers get; put the key elsewhere", field="key"
        )
    if key_file.exists() or (line.out / "index.html").exists():
        raise InvalidParameterError(f"{line.out} or {key_file} is there already; name another --out", field="out")
    real, synthetic = find_readers(line.real), find_readers(line.synthetic)
    items = choose_items(list(real), list(synthetic), count=line.count, rng=np.random.default_rng(line.seed))
    sources: dict[bool, dict[str, Reader]] = {False: dict(real), True: dict(synthetic)}

    def read(item: Item) -> ReaderCase:
        return sources[item.synthetic][item.case]()

    key = write_sheet(line.out, items, read)
    write_key(key_file, key)
    print(f"{len(items)} pictures: {line.out / 'index.html'}\nkey, not for readers: {key_file}")


def _score(line: argparse.Namespace) -> None:
    """Prints the scores and writes them where asked."""
    key = read_key(line.key)
    answers: list[Answer] = [answer for path in line.answers for answer in read_answers(path, key)]
    if len({(answer.reader, answer.item) for answer in answers}) != len(answers):
        raise InvalidParameterError(
            "a reader answers an item in two of the files; give each reader once", field="answers"
        )
    scores = score_readers(answers, key)
    text = scores_markdown(scores, agreements(answers))
    print(text, end="")
    if line.out:
        line.out.mkdir(parents=True, exist_ok=True)
        (line.out / "reader_test.md").write_text(text)
        (line.out / "reader_test.csv").write_text(scores_csv(scores))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m training.study.reader_test",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(dest="command", required=True)
    make = commands.add_parser("make", help="write a sheet and its key")
    make.add_argument("--real", type=Path, required=True, help="folder of real cases")
    make.add_argument("--synthetic", type=Path, required=True, help="folder of synthetic cases")
    make.add_argument("--count", type=int, default=20, help="pictures a contrast, half of them synthetic; default 20")
    make.add_argument("--seed", type=int, required=True, help="draws cases and order: tell it to no reader")
    make.add_argument("--out", type=Path, required=True, help="folder that readers get")
    make.add_argument("--key", type=Path, help="where the key goes; default OUT-key.json beside the folder")
    score = commands.add_parser("score", help="score answers")
    score.add_argument("--answers", type=Path, nargs="+", required=True, help="CSV that the page saved, one or several")
    score.add_argument("--key", type=Path, required=True, help="key that `make` wrote")
    score.add_argument("--out", type=Path, help="folder for reader_test.md and reader_test.csv")
    return parser


if __name__ == "__main__":
    sys.exit(main())
