"""Run the commands shown in pages again and put their true output in.

    python docs/rerun.py README.md docs/tutorial-*.md

In a ``text`` block, lines that start with ``$`` are commands and the lines below them what
they print. Each page runs in an empty folder of its own, with the examples in it. Look at
the difference before you keep it.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

EXAMPLES = Path(__file__).resolve().parent.parent / "examples"
BLOCK = re.compile(r"^```text\n(\$ .*?)^```$", re.MULTILINE | re.DOTALL)


def main(pages: list[Path]) -> None:
    for page in pages:
        with tempfile.TemporaryDirectory() as folder:
            for example in EXAMPLES.glob("*.py"):
                shutil.copy(example, folder)
            text = page.read_text(encoding="utf-8")
            page.write_text(
                BLOCK.sub(lambda block: f"```text\n{answered(block[1], folder)}```", text),
                encoding="utf-8",
            )


def answered(block: str, folder: str) -> str:
    """Return the commands of a block, each with what it prints in `folder`."""
    lines = []
    for command in (line[2:] for line in block.splitlines() if line.startswith("$ ")):
        print(command, flush=True)
        path = os.pathsep.join((str(Path(sys.executable).parent), os.environ["PATH"]))
        done = subprocess.run(  # noqa: S602
            command,
            shell=True,
            cwd=folder,
            env=os.environ | {"PATH": path, "COLUMNS": "90"},
            capture_output=True,
            text=True,
            check=False,
        )
        refused = [line for line in done.stderr.splitlines() if line.startswith("perrin:")]
        if done.returncode and not refused:
            sys.exit(f"{command} failed:\n{done.stderr}")
        lines += [f"$ {command}", *done.stdout.splitlines(), *refused]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main([Path(argument) for argument in sys.argv[1:]])
