"""Headless Chromium, driven through the two pipes of its DevTools protocol."""

import base64
import contextlib
import fcntl
import json
import os
import select
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

import pytest

_FLAGS = [
    "--headless=new", "--no-sandbox", "--remote-debugging-pipe", "--disable-gpu", "--disable-dev-shm-usage",
    "--disable-quic", "--disable-sync", "--disable-background-networking", "--disable-component-update",
    "--disable-extensions", "--no-first-run", "--hide-scrollbars", "--force-color-profile=srgb",
]  # fmt: skip


def chromium() -> str:
    """Its path. Where there is none and Debian's can be installed, it is; otherwise the test is skipped."""
    if shutil.which("chromium") is None:
        _install()
    return str(shutil.which("chromium"))


def _install() -> None:
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        pytest.skip("there is no chromium, and no right to install it")
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    with Path(tempfile.gettempdir(), "cfmrestore-chromium.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        for command in ("apt-get update", "apt-get install -y --no-install-recommends chromium"):
            if shutil.which("chromium") is not None:  # another process was first
                return
            try:
                subprocess.run(command.split(), env=environment, check=True, capture_output=True, timeout=240)
            except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
                pytest.skip(f"chromium cannot be installed: {error}")
    if shutil.which("chromium") is None:
        pytest.skip("there is no chromium, not even after its installation")


def _between(start: tuple[float, float], end: tuple[float, float], steps: int) -> list[tuple[float, float]]:
    """The places on the way, the end included."""
    (x, y), (dx, dy) = start, (end[0] - start[0], end[1] - start[1])
    return [(x + dx * k / steps, y + dy * k / steps) for k in range(1, steps + 1)]


class Browser:
    """One browser with one page.

    Args:
        profile: An empty folder.
        timeout: Seconds that one command may take.
    """

    def __init__(self, profile: Path, timeout: float = 60) -> None:
        self.events: list[dict[str, Any]] = []
        self._timeout, self._number, self._session, self._unread = timeout, 0, None, b""
        path = chromium()
        ours, theirs = self._pipes()
        self._read, self._write = ours
        self._process = subprocess.Popen(
            [path, *_FLAGS, f"--user-data-dir={profile}", "about:blank"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            close_fds=False,
            preexec_fn=lambda: (os.dup2(theirs[0], 3), os.dup2(theirs[1], 4)),
        )
        for end in theirs:
            os.close(end)

    @staticmethod
    def _pipes() -> tuple[tuple[int, int], tuple[int, int]]:
        """Ends to read from and to write to, ours and those of the browser; all above 4."""
        ends = [*os.pipe(), *os.pipe()]
        commands_out, commands_in, answers_out, answers_in = (fcntl.fcntl(e, fcntl.F_DUPFD_CLOEXEC, 10) for e in ends)
        for end in ends:
            os.close(end)
        return (answers_out, commands_in), (commands_out, answers_in)

    def __enter__(self) -> "Browser":
        try:
            target = self.call("Target.createTarget", url="about:blank")["targetId"]
            self._session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
            for domain in ("Page", "Runtime", "Log", "Network"):
                self.call(f"{domain}.enable")
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait(self._timeout)
        os.close(self._read)
        os.close(self._write)

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Send a command and wait for its answer; events on the way are kept."""
        self._number += 1
        message: dict[str, Any] = {"id": self._number, "method": method, "params": parameters}
        if self._session is not None:
            message["sessionId"] = self._session
        os.write(self._write, json.dumps(message).encode() + b"\0")
        deadline = time.monotonic() + self._timeout
        while (answer := self._receive(deadline)).get("id") != self._number:
            self.events.append(answer)
        if "error" in answer:
            raise RuntimeError(f"{method}: {answer['error']}")
        return answer["result"]

    def _receive(self, deadline: float) -> dict[str, Any]:
        while b"\0" not in self._unread:
            if not select.select([self._read], [], [], max(0, deadline - time.monotonic()))[0]:
                raise TimeoutError(f"Chromium gave no answer in {self._timeout} s")
            if not (chunk := os.read(self._read, 1 << 16)):
                raise RuntimeError("Chromium has ended")
            self._unread += chunk
        message, _, self._unread = self._unread.partition(b"\0")
        return json.loads(message)

    def seen(self, method: str) -> list[dict[str, Any]]:
        """The parameters of the events of a kind, so far."""
        return [event["params"] for event in self.events if event.get("method") == method]

    def open(self, url: str) -> None:
        """Go to a page and wait until it is loaded."""
        self.events.clear()
        self.call("Page.navigate", url=url)
        deadline = time.monotonic() + self._timeout
        while not self.seen("Page.loadEventFired"):
            self.events.append(self._receive(deadline))

    def show(self, width: int, height: int, *, dark: bool = False, phone: bool = False) -> None:
        """Set the size and the colors of the screen."""
        size = {"width": width, "height": height, "deviceScaleFactor": 2 if phone else 1, "mobile": phone}
        self.call("Emulation.setDeviceMetricsOverride", **size)
        self.call("Emulation.setTouchEmulationEnabled", enabled=phone)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.call("Emulation.setEmulatedMedia", features=[scheme])

    def evaluate(self, expression: str) -> Any:
        """The value of a JavaScript expression; a promise is waited for."""
        answer = self.call("Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True)
        if "exceptionDetails" in answer:
            raise RuntimeError(f"{expression}: {answer['exceptionDetails']}")
        return answer["result"].get("value")

    def wait_for(self, condition: str) -> None:
        """Until an expression is true."""
        deadline = time.monotonic() + self._timeout
        while not self.evaluate(condition):
            if time.monotonic() > deadline:
                raise TimeoutError(f"still not true after {self._timeout} s: {condition}")
            time.sleep(0.05)

    def drag(self, start: tuple[float, float], end: tuple[float, float], *, steps: int = 5, hold: bool = False) -> None:
        """Press the mouse, move it, and let it go unless it is to be held."""
        self._mouse("mousePressed", start, 1)
        for place in _between(start, end, steps):
            self._mouse("mouseMoved", place, 1)
        if not hold:
            self._mouse("mouseReleased", end, 0)

    def _mouse(self, kind: str, place: tuple[float, float], buttons: int) -> None:
        event = {"type": kind, "x": place[0], "y": place[1], "button": "left", "buttons": buttons, "clickCount": 1}
        self.call("Input.dispatchMouseEvent", **event)

    def swipe(self, start: tuple[float, float], end: tuple[float, float], *, steps: int = 8) -> None:
        """Put a finger down, move it, lift it."""
        self._touch("touchStart", [start])
        for place in _between(start, end, steps):
            self._touch("touchMove", [place])
        self._touch("touchEnd", [])

    def _touch(self, kind: str, places: list[tuple[float, float]]) -> None:
        self.call("Input.dispatchTouchEvent", type=kind, touchPoints=[{"x": x, "y": y} for x, y in places])

    def press(self, key: str, code: int) -> None:
        """A key of the keyboard."""
        for kind in ("rawKeyDown", "keyUp"):
            self.call("Input.dispatchKeyEvent", type=kind, key=key, code=key, windowsVirtualKeyCode=code)

    def screenshot(self, path: Path, *, whole: bool = False) -> None:
        """Write what is on the screen, or the whole page, as a PNG."""
        path.write_bytes(base64.b64decode(self.call("Page.captureScreenshot", captureBeyondViewport=whole)["data"]))
