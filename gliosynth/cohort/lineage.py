"""What made a cohort: the generator's version, and a digest of the code and anatomies it is made of."""

from functools import lru_cache
from hashlib import sha256
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Final

from gliosynth import __version__
from gliosynth.cohort.spec.cohort import CohortSpec

SOURCES: Final = (
    "anatomies",
    "anatomy.py",
    "cohort/anatomies",
    "cohort/case.py",
    "cohort/dataset/case_files.py",
    "cohort/dataset/images.py",
    "cohort/drawing.py",
    "cohort/gate.py",
    "cohort/measurement",
    "cohort/recipe.py",
    "contrast",
    "elementary.py",
    "exact_product.py",
    "nifti.py",
    "ranges.py",
    "separable.py",
    "tumour",
)
"""Parts of the package that images depend on: what draws them, what accepts them, what writes them."""

NETWORK_SOURCES: Final = (
    *SOURCES,
    "brain_map.py",
    "generation",
    "geometry.py",
    "preprocessing/intensity.py",
    "tumour_map",
)
"""The same for images that a network paints from a simulated case; the network itself has a digest of its own."""

DIGEST_DIGITS: Final = 16
"""Hexadecimal digits of the digest that names a generator."""


def generator_id(spec: CohortSpec) -> str:
    """Returns what makes a cohort's images: ``"simulator/0.1.0@sha256:0123456789abcdef"``, the digest of the code.

    A network is not in it: manifests name it beside.
    """
    digest = digest_of(NETWORK_SOURCES if spec.generator.is_network else SOURCES)
    return f"{spec.generator.value}/{__version__}@sha256:{digest[:DIGEST_DIGITS]}"


def generator_digest() -> str:
    """Returns the hexadecimal SHA-256 of all files that images of any generator depend on."""
    return digest_of(NETWORK_SOURCES)


@lru_cache(maxsize=2)
def digest_of(sources: tuple[str, ...]) -> str:
    """Returns the hexadecimal SHA-256 of files by name and content.

    Args:
        sources: Files and folders of the package.
    """
    root, digest = files("gliosynth"), sha256()
    for name in sources:
        for path, data in _contents(root.joinpath(name), name):
            digest.update(f"{path}\0{len(data)}\0".encode())
            digest.update(data)
    return digest.hexdigest()


def _contents(entry: Traversable, path: str) -> list[tuple[str, bytes]]:
    """Returns path and bytes of every source file and anatomy below an entry, sorted."""
    if entry.is_file():
        return [(path, entry.read_bytes())] if path.endswith((".py", ".npz.xz")) else []
    children = sorted(entry.iterdir(), key=lambda child: child.name)
    return [found for child in children for found in _contents(child, f"{path}/{child.name}")]
