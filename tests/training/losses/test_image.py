"""Tests of training.losses.image: errors by class, and SSIM as the library measures it."""

import numpy as np
import pytest
import torch

from gliosynth.metrics.image import ssim
from training.losses.image import class_errors, dissimilarity


def test_each_class_has_its_errors_over_the_pixels_of_the_brain() -> None:
    """Brain of 4 pixels: class 0 is off by .1 and .3, class 1 by .2 twice; background of one pixel counts nothing."""
    real = torch.zeros(1, 1, 1, 5)
    candidate = torch.tensor([0.1, -0.3, 0.2, 0.2, 9.0]).view(1, 1, 1, 1, 5)
    classes = torch.tensor([[1.0, 1, 0, 0, 0], [0, 0, 1, 1, 0], [0, 0, 0, 0, 1]]).view(1, 1, 3, 1, 5)
    errors = class_errors(candidate, real, classes)
    torch.testing.assert_close(errors, torch.tensor([0.1, 0.1]).view(1, 1, 1, 2))


def test_errors_of_all_classes_sum_to_the_mean_absolute_error_in_the_brain() -> None:
    """For every candidate and contrast, whatever the classes."""
    rng = torch.Generator().manual_seed(0)
    candidates, real = torch.rand(2, 3, 2, 6, 7, generator=rng), torch.rand(2, 2, 6, 7, generator=rng)
    maps = torch.randint(0, 8, (2, 2, 6, 7), generator=rng)
    maps[:, 1] = torch.where(maps[:, 0] == 7, 7, maps[:, 1].clamp(max=6))
    classes = torch.nn.functional.one_hot(maps, 8).permute(0, 1, 4, 2, 3).float()
    brain = (maps[:, 0] != 7).float()[:, None, None]
    expected = ((candidates - real[:, None]).abs() * brain).sum(dim=(-1, -2)) / brain.sum(dim=(-1, -2))
    torch.testing.assert_close(class_errors(candidates, real, classes).sum(dim=-1), expected)


def test_dissimilarity_is_one_minus_the_librarys_ssim() -> None:
    """Same window, same constants, same mask as gliosynth.metrics."""
    rng = np.random.default_rng(0)
    real = rng.random((24, 28), dtype=np.float32)
    made = np.clip(real + rng.normal(0, 0.1, real.shape), 0, 1).astype(np.float32)
    mask = rng.random(real.shape) < 0.6
    expected = 1 - ssim(real, made, data_range=1.0, mask=mask)
    images = (torch.from_numpy(image)[None, None] for image in (made, real))
    found = dissimilarity(*images, torch.from_numpy(mask)[None, None].float())
    assert float(found) == pytest.approx(expected, abs=1e-5)


def test_equal_images_are_not_dissimilar_and_others_pull_towards_it() -> None:
    """0 for equal images; elsewhere a step against the gradient lessens it."""
    real, brain = torch.rand(1, 2, 16, 16, generator=torch.Generator().manual_seed(1)), torch.ones(1, 1, 16, 16)
    assert float(dissimilarity(real, real, brain)) == pytest.approx(0.0, abs=1e-5)
    made = (1 - real).requires_grad_()
    before = dissimilarity(made, real, brain)
    before.backward()  # type: ignore[no-untyped-call]
    assert made.grad is not None
    assert float(dissimilarity(made.detach() - 10 * made.grad, real, brain)) < float(before.detach())
