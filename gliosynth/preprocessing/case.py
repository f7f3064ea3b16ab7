"""A case: the four contrasts of one subject, named."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from gliosynth.errors import InvalidCaseError
from gliosynth.labels import CONTRASTS, REFERENCE_CONTRAST, Contrast
from gliosynth.volume import Volume

AnyVolume = Volume[np.generic]
"""An image of any real dtype."""


@dataclass(frozen=True, eq=False)
class Case:
    """The four volumes of one subject, each on its own grid.

    Attributes:
        t1n: T1 without contrast agent.
        t1c: T1 with gadolinium, the reference.
        t2w: T2.
        t2f: FLAIR.
    """

    t1n: AnyVolume
    t1c: AnyVolume
    t2w: AnyVolume
    t2f: AnyVolume

    def __getitem__(self, contrast: Contrast) -> AnyVolume:
        """Returns the volume of one contrast."""
        volumes = {Contrast.T1N: self.t1n, Contrast.T1C: self.t1c, Contrast.T2W: self.t2w, Contrast.T2F: self.t2f}
        return volumes[contrast]

    def __iter__(self) -> Iterator[AnyVolume]:
        """Yields the volumes in the order of `CONTRASTS`."""
        return (self[contrast] for contrast in CONTRASTS)

    @property
    def reference(self) -> AnyVolume:
        """The volume whose native grid the result is returned on."""
        return self[REFERENCE_CONTRAST]


def assemble_case(volumes: Sequence[tuple[Contrast, AnyVolume]]) -> Case:
    """Returns the case of four named volumes in any order.

    Args:
        volumes: Pairs of contrast and volume.

    Raises:
        InvalidCaseError: MISSING_CONTRAST or DUPLICATE_CONTRAST, the field names the contrast.
    """
    given = [contrast for contrast, _ in volumes]
    for contrast in CONTRASTS:
        if given.count(contrast) > 1:
            raise InvalidCaseError(
                f"{contrast}: {given.count(contrast)} volumes were given for this contrast; send exactly one",
                field=contrast,
                got=str(given.count(contrast)),
                reason="DUPLICATE_CONTRAST",
            )
    missing = [contrast for contrast in CONTRASTS if contrast not in given]
    if missing:
        raise InvalidCaseError(
            f"{', '.join(missing)}: no volume was given; a case needs t1n, t1c, t2w and t2f",
            field=missing[0],
            got=", ".join(given) or "no volumes",
            reason="MISSING_CONTRAST",
        )
    by_contrast = dict(volumes)
    return Case(*(by_contrast[contrast] for contrast in CONTRASTS))
