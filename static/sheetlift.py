"""A client for a Sheetlift server: pictures in, rows and workbook out. Python 3.9 or later, its standard library alone.

Every call may be repeated without a second effect, so a call that a lost connection, a full server or a restart cut off is
repeated by the client itself, for half a minute by default.
"""

import hashlib
import http.client
import json
import os
import shutil
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request
import uuid

FINAL = ("completed", "failed", "canceled")
_COME_LATER = (429, 502, 503, 504)


class Error(Exception):
    """An answer that says why a call was not carried out."""

    def __init__(self, status, detail, request_id="", code="", location=""):
        super().__init__(detail or f"the server answered {status}")
        self.status = status  # of HTTP
        self.detail = detail  # a sentence for people
        self.request_id = request_id  # stands in the server's log
        self.code = code  # the kind of error, as in docs/api.md, such as "conflict"
        self.location = location  # the one part of the request that is at fault, such as "body.at_once"; "" for none


class _Stay(urllib.request.HTTPRedirectHandler):
    """No redirect is followed: a token goes to the named server only."""

    def redirect_request(self, *_):
        return None


class Client:
    """Calls one server."""

    def __init__(self, url="http://127.0.0.1:8080", token=None, language=None, patience=30.0, timeout=60.0):
        """token is for a server with a password; language that of sentences, such as "fr"; patience is how many seconds a call
        is repeated that got no answer, or one to come later; timeout how many seconds a silent connection is waited for."""
        self._base = url.rstrip("/") + "/api/v1"
        self._headers = {"User-Agent": "sheetlift.py"}
        if token:
            self._headers["Authorization"] = "Bearer " + token
        if language:
            self._headers["Accept-Language"] = language
        self._patience, self._timeout = patience, timeout
        self._opener = urllib.request.build_opener(_Stay)

    def create(self, key=None, **wishes):
        """Makes a draft: name, preset or columns, engine and the like (docs/api.md). The same key is the same batch."""
        return self.call("POST", "/batches", wishes, {"Idempotency-Key": key or uuid.uuid4().hex})

    def batches(self):
        """All batches, the newest first."""
        return self.call("GET", "/batches")["batches"]

    def batch(self, id):
        """One batch: status, counts, pace, time left."""
        return self.call("GET", _of(id))

    def images(self, id):
        """The images of a batch in their order."""
        return self.call("GET", _of(id, "images"))["images"]

    def add(self, id, file, filename=None, name=None, position=None, upload=None):
        """Adds a file to a draft: a path, or a binary file object that can seek. upload is an id of your own for it; without
        one, the same path is the same upload."""
        if isinstance(file, (str, os.PathLike)):
            with open(file, "rb") as opened:
                path = os.path.abspath(os.fspath(file))
                return self.add(id, opened, filename or os.path.basename(path), name, position, upload or hashlib.sha256(path.encode("utf-8", "surrogateescape")).hexdigest()[:32])
        query = {"filename": filename or "picture", "name": name, "position": position}
        path = _of(id, "images", upload or uuid.uuid4().hex) + "?" + urllib.parse.urlencode({k: v for k, v in query.items() if v})
        start = file.tell()
        size = file.seek(0, os.SEEK_END) - start

        def body():
            file.seek(start)
            return file

        headers = {"Content-Type": "application/octet-stream", "Content-Length": str(size)}
        with self._send("PUT", path, headers, body) as answer:
            return json.load(answer)

    def start(self, id, **wishes):
        """Starts a batch, now or at start_at."""
        return self.call("POST", _of(id, "start"), wishes)

    def cancel(self, id):
        """Cancels a batch; its rows stay."""
        return self.call("POST", _of(id, "cancel"))

    def retry(self, id, **wishes):
        """Reads the failed images again, or those in images; returns how many they are."""
        return self.call("POST", _of(id, "retry"), wishes)["retried"]

    def delete(self, id):
        """Deletes a batch."""
        self.call("DELETE", _of(id))

    def rows(self, id):
        """Yields every row read so far: image, name, row, cells, values, doubts."""
        with self._send("GET", _of(id, "rows.ndjson")) as answer:
            for line in answer:
                if line.strip():
                    yield json.loads(line)

    def save(self, id, path):
        """Writes the workbook, or the rows, as the path's ending says: .xlsx, .csv, .json, .ndjson or .md. The file is whole or
        not there."""
        ending = os.path.splitext(os.fspath(path))[1].lstrip(".").lower()
        name = "workbook.xlsx" if ending == "xlsx" else "rows." + ending
        folder = os.path.dirname(os.path.abspath(os.fspath(path)))
        with self._send("GET", _of(id, name)) as answer:
            handle, part = tempfile.mkstemp(dir=folder, prefix=".sheetlift-")
            try:
                with os.fdopen(handle, "wb") as out:
                    shutil.copyfileobj(answer, out)
                os.chmod(part, 0o644)
                os.replace(part, path)
            except BaseException:
                os.unlink(part)
                raise

    def events(self, id):
        """Yields what changes, as the server sends it: {"batch": …}, {"image": …} or {"gone": True}. The first ones tell the
        state of the batch and of all images, and so do those after a lost connection."""
        while True:
            with self._send("GET", _of(id, "events"), {"Accept": "text/event-stream"}) as answer:
                try:
                    for line in answer:
                        if line.startswith(b"data:") and line[5:].strip().startswith(b"{"):
                            yield json.loads(line[5:])
                except (OSError, ValueError, http.client.HTTPException):
                    pass  # the connection was lost
            time.sleep(1)

    def wait(self, id, on_image=None):
        """Waits for the end of a batch and returns it; on_image is called with each image that becomes final."""
        told = set()
        for event in self.events(id):
            image, batch = event.get("image"), event.get("batch")
            if image and image["status"] in FINAL and image["n"] not in told:
                told.add(image["n"])
                if on_image:
                    on_image(image)
            if event.get("gone"):
                raise Error(404, "The batch was deleted.")
            if batch and batch["status"] in FINAL:
                break
        for image in self.images(id) if on_image else ():
            if image["n"] not in told:
                on_image(image)
        return self.batch(id)

    def call(self, method, path, body=None, headers=None):
        """Makes any call below /api/v1 and returns its JSON; None for an answer without content."""
        headers = dict(headers or {})
        data = None
        if body is not None:
            data = json.dumps(body).encode()
            headers["Content-Type"] = "application/json"
        with self._send(method, path, headers, (lambda: data) if data is not None else None) as answer:
            content = answer.read()
        return json.loads(content) if content else None

    def _send(self, method, path, headers=None, body=None):
        """Sends a request until it is answered with something other than "come later"; body opens its body anew."""
        until, pause = time.monotonic() + self._patience, 0.25
        while True:
            request = urllib.request.Request(self._base + path, body() if body else None, {**self._headers, **(headers or {})}, method=method)
            wait = pause
            try:
                return self._opener.open(request, timeout=self._timeout)
            except urllib.error.HTTPError as err:
                failure = _problem(err)
                if err.code not in _COME_LATER:
                    raise failure from None
                wait = max(wait, _seconds(err.headers.get("Retry-After")))
            except OSError as err:
                failure = err
            if time.monotonic() + wait > until:
                raise failure
            time.sleep(wait)
            pause = min(2 * pause, 5)


def _of(id, *parts):
    return "/batches/" + "/".join(urllib.parse.quote(part, safe="") for part in (id, *parts))


def _seconds(text):
    try:
        return max(0.0, float(text or 0))
    except ValueError:
        return 0.0


def _problem(err):
    with err:
        try:
            told = json.loads(err.read(65536))
            return Error(err.code, told.get("detail", ""), told.get("instance", ""), told.get("code", ""), told.get("location", ""))
        except (ValueError, AttributeError):
            return Error(err.code, "")
