"""RemoteMonitor: sends the values of every epoch to a server."""
import json
import math

from ..utils.warn_utils import warn
from .callback import Callback


class RemoteMonitor(Callback):
    """Sends the number and the values of every epoch to a server, by HTTP POST.

    A server that does not answer, or with an error, is told by a warning; training goes on.

    Args:
        root: of the server, with "http://" or "https://".
        path: to which values are sent.
        field: of the form, which holds the JSON text.
        headers: dict of more HTTP headers.
        send_as_json: whether the JSON text is the body itself ("application/json") instead of a field of a form.
        timeout: how many seconds are waited for an answer.

    JSON has no word for NaN and infinity: null is sent.

    Raises:
        ValueError: a root that is no address of a web server.

    Example:
        >>> monitor = RemoteMonitor("http://localhost:9000")
    """

    def __init__(self, root="http://localhost:9000", path="/publish/epoch/end/", field="data", headers=None, send_as_json=False,
                 timeout=5.0):
        super().__init__()
        if not root.startswith(("http://", "https://")):
            raise ValueError(f"RemoteMonitor: `root` must begin with http:// or https://, received {root!r}")
        self.root, self.path, self.field, self.headers = root, path, field, headers
        self.send_as_json, self.timeout = send_as_json, timeout

    def on_epoch_end(self, epoch, logs=None):
        text = json.dumps({"epoch": epoch, **{name: plain(value) for name, value in (logs or {}).items()}})
        try:
            self._post(text)
        except (OSError, ValueError) as error:
            warn(f"RemoteMonitor: the server at {self.root} was not reached, or did not take the values: {error}. Training goes on")

    def _post(self, text):
        import http.client          # here, since they load half of the standard library
        import urllib.parse
        import urllib.request
        body = text if self.send_as_json else urllib.parse.urlencode({self.field: text})
        kind = "application/json" if self.send_as_json else "application/x-www-form-urlencoded"
        request = urllib.request.Request(self.root + self.path, body.encode(), {"Content-Type": kind, **(self.headers or {})})
        try:
            with urllib.request.urlopen(request, timeout=self.timeout):
                pass
        except http.client.HTTPException as error:
            raise OSError(f"{type(error).__name__}: {error}") from error


def plain(value):
    """A value as JSON knows it."""
    value = value.tolist() if hasattr(value, "tolist") else value
    if isinstance(value, (list, tuple)):
        return [plain(part) for part in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
