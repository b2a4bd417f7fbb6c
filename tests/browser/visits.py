"""Pages in a browser, watched for what no page of ours may do."""

from __future__ import annotations

from urllib.parse import urlsplit

from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, expect

#: What the browser itself says of a request that failed, which some tests ask for.
_FAILED_REQUEST = "Failed to load resource"
#: Waiting for something on the page; a busy machine takes long.
PATIENCE_MS = 30_000


class Visits:
    """Opens pages; `complaints` is what went wrong in any of them."""

    def __init__(self, browser: Browser) -> None:
        self._browser = browser
        expect.set_options(timeout=PATIENCE_MS)
        self._contexts: list[BrowserContext] = []
        self.complaints: list[str] = []
        self.requests_may_fail = False

    def __call__(self, address: str, **options: object) -> Page:
        """A page at `address`, in a browser that knows nothing of others."""
        context = self._browser.new_context(**options)  # type: ignore[arg-type]  # passed on
        context.set_default_timeout(PATIENCE_MS)
        self._contexts.append(context)
        page = context.new_page()
        page.on("console", self._on_console)
        page.on("pageerror", lambda error: self.complaints.append(f"error: {error}"))
        page.on("dialog", lambda dialog: (self.complaints.append(f"dialog: {dialog.message}"), dialog.dismiss()))
        page.on("request", lambda request: self._on_request(request.url))
        page.goto(address)
        return page

    def close(self) -> None:
        """Close all."""
        for context in self._contexts:
            context.close()

    def _on_console(self, message: ConsoleMessage) -> None:
        expected = self.requests_may_fail and message.text.startswith(_FAILED_REQUEST)
        if message.type in ("error", "warning") and not expected:
            self.complaints.append(f"{message.type}: {message.text}")

    def _on_request(self, url: str) -> None:
        if urlsplit(url).scheme != "data" and urlsplit(url).hostname != "127.0.0.1":
            self.complaints.append(f"it asked {url}")
