"""Prints the JSON schema of a cohort spec: ``python -m gliosynth.cohort.spec.schema``."""

import json
import sys

from gliosynth.cohort.spec.cohort import json_schema

if __name__ == "__main__":
    sys.stdout.write(json.dumps(json_schema(), indent=2) + "\n")
