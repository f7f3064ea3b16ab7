"""Scores of a reader test: misclassified shares with exact intervals, kappa between readers, quality scores."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

from gliosynth.errors import InvalidInputError
from gliosynth.labels import CONTRASTS, Contrast
from training.study.reader_test.answers import Answer, Key
from training.study.reader_test.sheet import Item
from training.study.statistics import LEVEL, Interval


@dataclass(frozen=True)
class ReaderScore:
    """How one reader did in one contrast, or in all.

    Attributes:
        reader: Name of the reader.
        contrast: Contrast, or None for all of them together.
        judged: Items judged.
        misclassified: Items of them that were judged wrongly: real as synthetic or the other way.
        interval: Exact binomial interval of the misclassified share (Clopper and Pearson 1934).
        p_chance: Two-sided exact p that the reader guesses (share one half); small: real and synthetic are told apart.
        fooled: Synthetic items that were taken for real.
        synthetic: Synthetic items judged.
        quality_real: Mean quality of the real items, NaN where none was scored.
        quality_synthetic: The same of the synthetic ones.
    """

    reader: str
    contrast: Contrast | None
    judged: int
    misclassified: int
    interval: Interval
    p_chance: float
    fooled: int
    synthetic: int
    quality_real: float
    quality_synthetic: float

    @property
    def misclassified_share(self) -> float:
        """Share of the items that were judged wrongly; one half cannot be told apart (the paper's goal)."""
        return self.misclassified / self.judged

    @property
    def accuracy(self) -> float:
        """Share of the items that were judged rightly."""
        return 1 - self.misclassified_share


@dataclass(frozen=True)
class Agreement:
    """Two readers on the items that both judged.

    Attributes:
        readers: Their names.
        items: Items that both judged.
        kappa: Cohen's kappa of real against synthetic; 1 is full agreement, 0 what chance gives.
    """

    readers: tuple[str, str]
    items: int
    kappa: float


def score_readers(answers: Sequence[Answer], key: Key) -> tuple[ReaderScore, ...]:
    """Returns one score for each reader and contrast that was judged, and one for each reader over all contrasts.

    Raises:
        InvalidInputError: Nothing was judged.
    """
    if not answers:
        raise InvalidInputError("no item was judged; give answers with real or synthetic in the column judged")
    truth = {item.number: item for item in key.items}
    scores = []
    for reader in sorted({answer.reader for answer in answers}):
        for contrast in (*CONTRASTS, None):
            own = [answer for answer in answers if answer.reader == reader]
            judged = [(answer, truth[answer.item]) for answer in own]
            chosen = [pair for pair in judged if contrast in (None, pair[1].contrast)]
            if chosen:
                scores.append(_score(reader, contrast, chosen))
    return tuple(scores)


def agreements(answers: Sequence[Answer]) -> tuple[Agreement, ...]:
    """Returns the agreement of every pair of readers that judged an item in common."""
    judged: dict[str, dict[int, bool]] = {}
    for answer in answers:
        judged.setdefault(answer.reader, {})[answer.item] = answer.judged_synthetic
    found = []
    for first, second in itertools.combinations(sorted(judged), 2):
        shared = sorted(judged[first].keys() & judged[second].keys())
        if shared:
            pair = [[judged[reader][item] for item in shared] for reader in (first, second)]
            found.append(Agreement((first, second), len(shared), cohen_kappa(pair[0], pair[1])))
    return tuple(found)


def cohen_kappa(first: Sequence[bool], second: Sequence[bool]) -> float:
    """Returns Cohen's kappa ``(p_o - p_e) / (1 - p_e)`` of two readers (Cohen 1960).

    p_o is the share of equal judgements, p_e the share that their own frequencies give by chance. Two readers who both
    said the same of every item have p_e = 1: kappa is then 1 by convention.

    Args:
        first: Judgements of one reader.
        second: Judgements of the other on the same items.
    """
    one, two = np.asarray(first, dtype=np.bool_), np.asarray(second, dtype=np.bool_)
    observed = float((one == two).mean())
    expected = float(one.mean() * two.mean() + (1 - one.mean()) * (1 - two.mean()))
    return 1.0 if expected == 1 else (observed - expected) / (1 - expected)


def exact_interval(events: int, trials: int, *, level: float = LEVEL) -> Interval:
    """Returns the exact binomial interval of a share (Clopper and Pearson 1934).

    Args:
        events: How often it happened.
        trials: Of how many.
        level: Coverage, 0 to 1.
    """
    found = stats.binomtest(events, trials).proportion_ci(level, method="exact")
    return Interval(float(found.low), float(found.high))


def _score(reader: str, contrast: Contrast | None, judged: Sequence[tuple[Answer, Item]]) -> ReaderScore:
    wrong = sum(answer.judged_synthetic != item.synthetic for answer, item in judged)
    return ReaderScore(
        reader=reader,
        contrast=contrast,
        judged=len(judged),
        misclassified=wrong,
        interval=exact_interval(wrong, len(judged)),
        p_chance=float(stats.binomtest(wrong, len(judged), 0.5).pvalue),
        fooled=sum(item.synthetic and not answer.judged_synthetic for answer, item in judged),
        synthetic=sum(item.synthetic for _, item in judged),
        quality_real=_quality(judged, synthetic=False),
        quality_synthetic=_quality(judged, synthetic=True),
    )


def _quality(judged: Sequence[tuple[Answer, Item]], *, synthetic: bool) -> float:
    given = [answer.score for answer, item in judged if item.synthetic == synthetic and answer.score is not None]
    return float(np.mean(given)) if given else float("nan")
