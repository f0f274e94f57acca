"""A page of the browser that remembers its complaints."""

from playwright.sync_api import ConsoleMessage, Page


class Watched:
    """A page, and the complaints of its console."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.complaints: list[str] = []
        page.on("console", self._heard)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))

    def forgive(self, words: str) -> None:
        """Expect complaints with these words: the test caused them."""
        self.complaints = [complaint for complaint in self.complaints if words not in complaint]

    def _heard(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"}:
            self.complaints.append(message.text)
