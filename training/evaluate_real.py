"""Scores trained weights on labelled real cases, the threshold baseline beside them.

    python -m training.evaluate_real --wt runs/wt/best.safetensors --tc ... --et ... --json real.json
    python -m training.evaluate_real --joint runs/joint/last.safetensors --rules published flip no-component-filter

Real cases are for evaluation alone: nothing here trains, chooses a checkpoint or fits a threshold. The cascade is the
library's, so the figures are those of the served models without preprocessing: the cases are those of BraTS, which are
registered, skull-stripped and at 1 mm already (`gliosynth evaluate` runs the whole service). Cases are the folders
below GLIOSYNTH_DATA (default ../shared/data) that hold a ``*_seg.nii.gz``. A joint network answers all three regions on
whole slices, under the same rules; ``--rules`` says which variations of them are scored, one change each.
"""

import argparse
import json
import time
from pathlib import Path
from typing import Any

import numpy as np

from gliosynth.errors import InvalidParameterError
from gliosynth.labels import REGIONS, LabelMap
from gliosynth.segmentation import CascadeModels
from training.segmentation.real_cases import DATA, RealCase, baseline_dice, line_of, real_cases, score, summary
from training.segmentation.region_model import TorchModel, load_mean, load_model
from training.segmentation.rules import TEST_TIME, Rules, cascade_labels, joint_labels, joint_logits

Models = tuple[TorchModel, ...]
"""A joint network, or one each for WT, TC and ET."""


def find(case: RealCase, models: Models, rules: Rules) -> LabelMap:
    """Returns the label map of a case.

    Args:
        case: The case.
        models: A joint network, or three.
        rules: What is done with their answers.
    """
    asked = tuple(model.varied(threshold=rules.threshold, flip=rules.flip) for model in models)
    if len(asked) == 1:
        logits = joint_logits(asked[0], case.contrasts, case.brain, three_planes=rules.three_planes)
        return joint_labels(logits, case.brain, rules)
    wt, tc, et = asked
    return cascade_labels(CascadeModels(wt=wt, tc=tc, et=et), case.contrasts, case.brain, rules)


def evaluate(case: RealCase, models: Models, rules: Rules) -> dict[str, Any]:
    """Returns one row of the table: Dice, HD95 and volumes per region, the baseline's Dice, seconds."""
    start = time.perf_counter()
    found = find(case, models, rules)
    seconds = time.perf_counter() - start
    return score(case, found) | {"baseline_dice": baseline_dice(case), "seconds": round(seconds, 2)}


def models_of(line: argparse.Namespace) -> Models:
    """Returns the networks that a command line names.

    Raises:
        InvalidParameterError: It names neither a joint network nor all three regions.
    """
    if line.joint:
        return (load_model(line.joint),)
    paths = [getattr(line, region.lower()) for region in REGIONS]
    if None in paths:
        raise InvalidParameterError("name --joint, or --wt, --tc and --et", field="weights")
    return tuple(load_mean(weights) for weights in paths)


def main(arguments: list[str] | None = None) -> None:
    """Runs the command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for region in REGIONS:
        parser.add_argument(f"--{region.lower()}", type=Path, nargs="+", metavar="FILE",
                            help=f"weights of {region}, .safetensors; of several runs: their mean")  # fmt: skip
    parser.add_argument("--joint", type=Path, help="weights of a network of all three regions, instead")
    parser.add_argument("--rules", nargs="+", choices=list(TEST_TIME), default=["published"], metavar="RULES",
                        help=f"what is done with the answers, of {', '.join(TEST_TIME)}")  # fmt: skip
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--json", type=Path, help="where the table of the first rules goes")
    line = parser.parse_args(arguments)
    models = models_of(line)
    tables: dict[str, list[dict[str, Any]]] = {name: [] for name in line.rules}
    for case in real_cases(line.data):
        for name, rows in tables.items():
            rows.append(evaluate(case, models, TEST_TIME[name]))
            print(f"{name:20s} {line_of(rows[-1])}", flush=True)
    for name, rows in tables.items():
        print(name, json.dumps(summary(rows), indent=2))
    if line.json:
        rows = tables[line.rules[0]]
        seconds = float(np.sum([row["seconds"] for row in rows]))
        mean = summary(rows)
        line.json.write_text(json.dumps({"cases": rows, "mean": mean, "seconds": seconds}, indent=2) + "\n")


if __name__ == "__main__":
    main()
