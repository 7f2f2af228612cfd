"""Programs of their own for tests that fork or load other packages: nothing of theirs outlives the time that they are given."""
import os
import signal
import subprocess
import sys


def run(code, seconds=60, **environ):
    """What the program prints; kills it and its children, and fails, when it takes longer or ends with an error."""
    with subprocess.Popen([sys.executable, "-W", "ignore", "-c", code], text=True, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, env={**os.environ, **environ}, start_new_session=True) as program:
        try:
            out, err = program.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            os.killpg(program.pid, signal.SIGKILL)
            raise
    assert program.returncode == 0, f"status {program.returncode}: {out} {err}"
    return out.strip()
