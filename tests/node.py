"""The page's scripts, run without a browser."""

from __future__ import annotations

import json
import shutil
import subprocess
from typing import Any

from app.ui.language import words
from app.ui.page import STATIC

NODE = shutil.which("node")


def node(source: str, language: str = "en") -> Any:
    """What an ES module prints as JSON; it may import from `static`, and has its words."""
    speak = f'import {{ use }} from "./language.js"; use({json.dumps(words(language))});'
    program = (speak + source).replace('from "./', f'from "{STATIC.as_uri()}/')
    command = [str(NODE), "--input-type=module", "--eval", program]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)
