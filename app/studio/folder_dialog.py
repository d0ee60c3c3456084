"""The system's own dialog for choosing a folder, on the machine that Gesso runs on."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from pipelines.errors import RequestError

SECONDS = 600.0

# tkinter wants the main thread and may bring the process down: it gets one of its own.
_PROGRAM = """
import json, sys, tkinter
from tkinter import filedialog
root = tkinter.Tk()
root.withdraw()
root.attributes("-topmost", True)
print(json.dumps(filedialog.askdirectory(parent=root, title=sys.argv[1], mustexist=True) or ""))
"""


def ask_folder(title: str, cure: str) -> Path | None:
    """The folder the artist chose, or None. `cure` says how else to name one.

    Raises RequestError when there is no desktop to show a dialog on.
    """
    command = [sys.executable, "-I", "-c", _PROGRAM, title]
    try:
        done = subprocess.run(command, capture_output=True, timeout=SECONDS, check=False)
    except subprocess.TimeoutExpired:
        return None
    if done.returncode:
        raise RequestError("Gesso cannot open a dialog on this machine.", cure)
    chosen = json.loads(done.stdout.splitlines()[-1])
    return Path(os.path.abspath(chosen)) if chosen else None
