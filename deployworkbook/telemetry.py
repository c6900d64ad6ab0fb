"""Libraries that report their use over the network, told not to.

ONNX Runtime (from 1.29, on Linux too) and OpenVINO report each import, and keep an identifier in
the home folder. The workbook works offline, and a learner's use is nobody else's business.
"""

from __future__ import annotations

import os
import sys

# What ONNX Runtime reads as it is imported; kernels are started with it.
ENVIRONMENT = {"ORT_DISABLE_TELEMETRY": "1"}

# OpenVINO does without this package where it cannot be imported. It reads no variable.
_REPORTER = "openvino_telemetry"


def forbid() -> None:
    """Forbid reports in this process and those that it starts; before the libraries' import.

    >>> forbid()
    >>> import os
    >>> os.environ["ORT_DISABLE_TELEMETRY"]
    '1'
    """
    os.environ.update(ENVIRONMENT)
    # None in place of a module makes its import fail.
    sys.modules.setdefault(_REPORTER, None)  # type: ignore[arg-type]
