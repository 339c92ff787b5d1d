"""A page in Chromium without a window, and what the browser noticed."""

from __future__ import annotations

import contextlib
import json
import shutil
from collections.abc import Iterator
from pathlib import Path

from selenium import webdriver
from selenium.webdriver.chrome.service import Service

QUIET = """
    --headless=new --no-sandbox --disable-gpu --disable-dev-shm-usage --disable-background-networking
    --disable-component-update --disable-sync --no-first-run --window-size=1280,900
""".split()


class Browser:
    """`driver` is Selenium's."""

    def __init__(self, driver: webdriver.Chrome) -> None:
        self.driver = driver

    def show(self, page: Path) -> None:
        """Opens a page, which must load nothing and complain of nothing."""
        self.driver.get("about:blank")
        self._log("performance")  # of what was before
        self.driver.get(page.as_uri())
        assert self.requests() == [page.as_uri()]
        assert self._log("browser") == []

    def requests(self) -> list[str]:
        """The addresses that were asked for since the last call."""
        messages = [json.loads(entry["message"])["message"] for entry in self._log("performance")]
        sent = (one["params"]["request"]["url"] for one in messages if one["method"] == "Network.requestWillBeSent")
        return [url for url in sent if not url.startswith("data:")]

    def _log(self, kind: str) -> list[dict[str, str]]:
        return list(self.driver.get_log(kind))  # type: ignore[no-untyped-call]

    def texts(self, selector: str) -> list[str]:
        """The text of every element that can be seen."""
        script = """return [...document.querySelectorAll(arguments[0])]
            .filter(one => one.checkVisibility()).map(one => one.textContent.trim().replace(/\\s+/g, " "))"""
        return list(self.driver.execute_script(script, selector))

    def is_too_wide(self) -> bool:
        """Whether one has to scroll sideways."""
        return bool(self.driver.execute_script("return document.documentElement.scrollWidth > window.innerWidth"))

    @contextlib.contextmanager
    def sized(self, width: int, scheme: str = "light") -> Iterator[None]:
        """Meanwhile the window is so wide, and its user likes this colour scheme."""
        self.command("Emulation.setDeviceMetricsOverride", width=width, height=900, deviceScaleFactor=1, mobile=False)
        self.command("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
        # The page hears of its size when it draws the next frame.
        self.driver.execute_async_script("requestAnimationFrame(() => requestAnimationFrame(arguments[0]))")
        try:
            yield
        finally:
            self.command("Emulation.clearDeviceMetricsOverride")
            self.command("Emulation.setEmulatedMedia", features=[])

    def command(self, name: str, **values: object) -> None:
        """A command of the protocol of Chromium's developer tools."""
        self.driver.execute_cdp_cmd(name, values)


@contextlib.contextmanager
def browser(profile: Path) -> Iterator[Browser]:
    """A browser with a profile of its own."""
    options = webdriver.ChromeOptions()
    options.binary_location = shutil.which("chromium") or ""
    options.set_capability("goog:loggingPrefs", {"performance": "ALL", "browser": "ALL"})
    for word in (*QUIET, f"--user-data-dir={profile}"):
        options.add_argument(word)
    driver = webdriver.Chrome(options, Service(shutil.which("chromedriver")))
    try:
        yield Browser(driver)
    finally:
        driver.quit()
