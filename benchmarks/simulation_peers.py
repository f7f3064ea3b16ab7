"""The contrast engines of MONAI and TorchIO, doing what `gliosynth.contrast.label_map` does (PERFORMANCE.md 7).

Each makes four contrasts of a label map: an elastic deformation, a normal intensity for every voxel around its label's
mean, blur, bias field and noise. They are equivalent in kind, not voxel by voxel: each library has its own defaults.
"""

import numpy as np
from harness import Work
from numpy.typing import NDArray

SHAPE = (256, 256, 256)
"""Voxels of the label map."""

LABEL_COUNT = 12
"""Labels of the map, background included."""

CONTRAST_COUNT = 4
"""Images of a case."""

THREADS = 2
"""Threads that every candidate may use."""


def label_map() -> NDArray[np.uint8]:
    """Returns a head of nested, wavy shells with a lesion, ``(256, 256, 256)`` uint8, twelve labels."""
    x, y, z = np.meshgrid(*(np.linspace(-1, 1, size, dtype=np.float32) for size in SHAPE), indexing="ij", sparse=True)
    waves = 0.05 * (np.sin(19 * x) * np.sin(23 * y) * np.sin(17 * z) + np.sin(7 * x + 5 * y) * np.cos(11 * z))
    radius = np.sqrt((x / 0.6) ** 2 + (y / 0.72) ** 2 + (z / 0.62) ** 2)
    labels = np.zeros(SHAPE, dtype=np.uint8)
    for label, edge in enumerate((1.22, 1.12, 1.0, 0.94, 0.86, 0.6, 0.45, 0.25), start=1):
        labels[radius + (waves if edge < 1 else 0) < edge] = label
    lesion = np.sqrt((x - 0.2) ** 2 + (y - 0.15) ** 2 + (z - 0.1) ** 2) + waves
    for label, edge in enumerate((0.26, 0.18, 0.1), start=9):
        labels[(lesion < edge) & (radius < 0.9)] = label
    return labels


def monai_engine() -> Work:
    """MONAI: intensities by label, one elastic transform of contrasts and labels, then blur, bias and noise."""
    import torch
    from monai.transforms import Compose, Rand3DElastic, RandBiasField, RandGaussianNoise, RandGaussianSmooth

    torch.set_num_threads(THREADS)
    labels = torch.from_numpy(label_map().astype(np.int64))
    deform = Rand3DElastic(
        sigma_range=(5, 8),
        magnitude_range=(50, 120),
        prob=1,
        rotate_range=0.15,
        scale_range=0.1,
        translate_range=5,
        mode="bilinear",
        padding_mode="zeros",
    )
    blur = (0.4, 1.2)
    image = Compose(
        [
            RandGaussianSmooth(blur, blur, blur, prob=1),
            RandBiasField(prob=1, coeff_range=(0, 0.1)),
            RandGaussianNoise(prob=1, std=0.03),
        ]
    )

    def work() -> tuple[int, ...]:
        painted = [
            torch.rand(LABEL_COUNT)[labels] + (0.02 + 0.04 * torch.rand(LABEL_COUNT))[labels] * torch.randn(SHAPE)
            for _ in range(CONTRAST_COUNT)
        ]
        moved = deform(torch.stack([*painted, labels.float()]))
        return tuple(torch.cat([image(moved[c : c + 1]) for c in range(CONTRAST_COUNT)]).shape)

    return work


def torchio_engine() -> Work:
    """TorchIO: intensities by label, affine and elastic deformation, then bias, blur and noise for each contrast."""
    import torch
    import torchio as tio

    torch.set_num_threads(THREADS)
    labels, rng = torch.from_numpy(label_map())[None], np.random.default_rng(0)
    deform = tio.Compose(
        [
            tio.RandomAffine(scales=0.1, degrees=10, translation=5),
            tio.RandomElasticDeformation(num_control_points=7, max_displacement=8),
        ]
    )
    image = tio.Compose([tio.RandomBiasField(0.4), tio.RandomBlur((0.4, 1.2)), tio.RandomNoise(std=(0.01, 0.03))])

    def work() -> tuple[int, ...]:
        subject = tio.Subject(seg=tio.LabelMap(tensor=labels))
        for contrast in range(CONTRAST_COUNT):
            means = [(float(mean), float(mean)) for mean in rng.random(LABEL_COUNT)]
            subject = tio.RandomLabelsToImage(
                label_key="seg",
                image_key=f"c{contrast}",
                used_labels=list(range(LABEL_COUNT)),
                mean=means,
                std=[(0.02, 0.06)] * LABEL_COUNT,
                ignore_background=True,
            )(subject)
        subject = deform(subject)
        for contrast in range(CONTRAST_COUNT):
            finished = image(tio.Subject(x=subject[f"c{contrast}"]))
        return tuple(finished["x"].shape)

    return work
