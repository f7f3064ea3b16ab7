"""The generator's digest covers the code that images depend on."""

import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import gliosynth
from gliosynth.cohort.lineage import NETWORK_SOURCES, SOURCES, digest_of, generator_digest, generator_id

if TYPE_CHECKING:
    from conftest import SmallSpec

PACKAGE = Path(gliosynth.__file__).parent
PLAIN = {"__init__.py", "preprocessing/__init__.py", "errors.py", "labels.py", "volume.py"}
"""Modules of names and checks, which no voxel depends on."""


@pytest.mark.parametrize(
    ("module", "sources"),
    [("contrast.simulate", SOURCES), ("generation", NETWORK_SOURCES)],
    ids=["simulator", "network"],
)
def test_every_module_of_a_generator_is_in_its_digest(module: str, sources: tuple[str, ...]) -> None:
    """Whatever the simulator or the networks' part imports lies under its sources: no change of it goes unnoticed."""
    script = f"import sys, gliosynth.{module}; print(*[m.__file__ for n, m in sys.modules.items()"
    script += " if n.startswith('gliosynth')], sep='\\n')"
    printed = subprocess.run([sys.executable, "-c", script], capture_output=True, check=True, text=True).stdout
    modules = {Path(line).relative_to(PACKAGE).as_posix() for line in printed.splitlines()}
    assert any(f"/{one}".startswith(f"/{module.replace('.', '/')}") for one in modules)
    covered = {one for one in modules if any(one == source or one.startswith(f"{source}/") for source in sources)}
    assert modules - covered <= PLAIN


def test_every_source_exists() -> None:
    """A renamed part is noticed here and not by a digest of nothing."""
    assert all((PACKAGE / source).exists() for source in NETWORK_SOURCES)


def test_the_generator_is_named_with_version_and_digest(small_spec: "SmallSpec") -> None:
    """Kind, version and the first digits of the digest of the code: a network's has more files in it."""
    simulator, network = digest_of(SOURCES), digest_of(NETWORK_SOURCES)
    assert re.fullmatch("[0-9a-f]{64}", simulator)
    assert simulator != network == generator_digest()
    version = gliosynth.__version__
    assert generator_id(small_spec()) == f"simulator/{version}@sha256:{simulator[:16]}"
    assert generator_id(small_spec(generator="spade")) == f"spade/{version}@sha256:{network[:16]}"
