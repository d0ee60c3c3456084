"""What stands beside a model file: its notes and its training config."""

from __future__ import annotations

import json
import os
from typing import Any

import yaml

from pipelines.recipe import PredictionType

READ_LIMIT = 2_000_000
"""Bytes of a sidecar that are read at most; a longer one is left alone."""


def read_json(path: str | None) -> dict[str, Any]:
    """The object in a JSON file; empty when there is none that can be read."""
    try:
        data = json.loads(_read(path))
    except (ValueError, RecursionError):
        return {}
    return data if isinstance(data, dict) else {}


def read_yaml(path: str | None) -> dict[str, Any]:
    """The mapping in a YAML file (plain data only); empty when there is none that can be read."""
    try:
        data = yaml.safe_load(_read(path))
    except (yaml.YAMLError, ValueError, RecursionError):
        return {}
    return data if isinstance(data, dict) else {}


def stated_in_config(path: str | None) -> PredictionType | None:
    """What `X.yaml`, an original training config, says that the model predicts."""
    params = read_yaml(path)
    for key in ("model", "params"):
        inner = params.get(key)
        params = inner if isinstance(inner, dict) else {}
    if not params:
        return None
    return "v_prediction" if params.get("parameterization") == "v" else "epsilon"


def _read(path: str | None) -> bytes:
    try:
        if path is None or not os.path.isfile(path) or os.path.getsize(path) > READ_LIMIT:
            return b""
        with open(path, "rb") as file:
            return file.read(READ_LIMIT)
    except OSError:
        return b""
