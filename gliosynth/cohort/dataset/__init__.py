"""The data set: BIDS files of each case, and what surrounds the cases."""

from gliosynth.cohort.dataset.finish import DatasetArtefacts, finish_dataset
from gliosynth.cohort.dataset.verdict import Verdict

__all__ = ["DatasetArtefacts", "Verdict", "finish_dataset"]
