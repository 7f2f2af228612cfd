"""get_file: cache, hashes, broken downloads, archives."""

import hashlib
import io
import os
import tarfile
import threading
import zipfile
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from fastnn.utils import extract_archive, get_file, hash_file, validate_file

CONTENT = b"one two three\n" * 1000
SHA256 = hashlib.sha256(CONTENT).hexdigest()
MD5 = hashlib.md5(CONTENT).hexdigest()


@pytest.fixture
def source(tmp_path):
    file = tmp_path / "words.txt"
    file.write_bytes(CONTENT)
    return file


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("FASTNN_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def files_under(folder):
    return sorted(os.path.relpath(os.path.join(d, f), folder) for d, _, files in os.walk(folder) for f in files)


def test_downloads_once(source, home, capsys):
    path = get_file(origin=source.as_uri())
    assert path == str(home / "datasets" / "words.txt")
    assert "Downloading words.txt" in capsys.readouterr().out
    source.unlink()
    assert get_file(origin=source.as_uri()) == path
    assert open(path, "rb").read() == CONTENT
    assert capsys.readouterr().out == ""


def test_names_and_folders(source, tmp_path):
    path = get_file("w.txt", source.as_uri(), cache_dir=str(tmp_path / "c"), cache_subdir="texts")
    assert path == str(tmp_path / "c" / "texts" / "w.txt")
    assert files_under(tmp_path / "c") == ["texts/w.txt"]


@pytest.mark.parametrize("options", [{"file_hash": SHA256}, {"file_hash": MD5}, {"md5_hash": MD5.upper()}])
def test_right_hash(source, home, options):
    assert open(get_file(origin=source.as_uri(), **options), "rb").read() == CONTENT


def test_wrong_hash_leaves_nothing_behind(source, home):
    with pytest.raises(ValueError, match="its hash is not 000"):
        get_file(origin=source.as_uri(), file_hash="0" * 64)
    assert files_under(home) == []


def test_damaged_cache_is_replaced(source, home, capsys):
    cached = home / "datasets" / "words.txt"
    cached.parent.mkdir(parents=True)
    cached.write_bytes(b"one")
    get_file(origin=source.as_uri(), file_hash=SHA256)
    assert cached.read_bytes() == CONTENT
    assert "not the expected file" in capsys.readouterr().out


def test_force_download(source, home):
    get_file(origin=source.as_uri())
    source.write_bytes(b"new")
    assert open(get_file(origin=source.as_uri(), force_download=True), "rb").read() == b"new"


@pytest.mark.parametrize("fname", ["a/b", "../x", ".."])
def test_names_of_files_only(fname, source, home):
    with pytest.raises(ValueError, match="fname"):
        get_file(fname, source.as_uri())
    assert files_under(home) == []


def test_origin_is_needed():
    with pytest.raises(ValueError, match="origin"):
        get_file("a.txt")


def test_unreachable(home, tmp_path):
    with pytest.raises(ConnectionError, match="put the file at .*gone.txt"):
        get_file(origin=(tmp_path / "gone.txt").as_uri())
    assert files_under(home) == []


class CutShort(BaseHTTPRequestHandler):
    """Promises all bytes and sends half of them; answers 404 for another name."""

    def do_GET(self):
        if not self.path.startswith("/words.txt"):
            self.send_error(404, "Not here")
            return
        self.send_response(200)
        self.send_header("Content-Length", str(len(CONTENT)))
        self.end_headers()
        self.wfile.write(CONTENT[: len(CONTENT) // 2])

    def log_message(self, *arguments):
        """Keeps the test's output clean."""


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setenv("no_proxy", "*")
    server = HTTPServer(("127.0.0.1", 0), CutShort)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_broken_connection(server, home):
    with pytest.raises(ConnectionError, match=f"{len(CONTENT) // 2} "):
        get_file(origin=f"{server}/words.txt?version=2")
    assert files_under(home) == []


def test_missing_on_the_server(server, home):
    with pytest.raises(ConnectionError, match="Not"):
        get_file(origin=f"{server}/other.txt")


def test_unwritable_cache_is_told(source, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(OSError, match="FASTNN_HOME"):
        get_file(origin=source.as_uri(), cache_dir=str(tmp_path / "file"))


def test_hash_file(source):
    assert hash_file(source) == SHA256 and hash_file(source, "md5") == MD5
    assert validate_file(source, SHA256) and not validate_file(source, "0" * 32)
    with pytest.raises(ValueError, match="algorithm"):
        hash_file(source, "sha1")


def make_tar(path, members):
    with tarfile.open(path, "w:gz") as tar:
        for info, content in members:
            info = tarfile.TarInfo(info) if isinstance(info, str) else info
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))


def link(name, target, kind=tarfile.SYMTYPE):
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, target
    return info, b""


def make_zip(path, members):
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members:
            archive.writestr(name, content)


@pytest.mark.parametrize("make, name", [(make_tar, "pictures.tar.gz"), (make_zip, "pictures.zip")])
def test_extract(make, name, tmp_path, home):
    make(tmp_path / name, [("a/1.txt", b"1"), ("a/b/2.txt", b"2")])
    folder = get_file(origin=(tmp_path / name).as_uri(), extract=True)
    assert folder == str(home / "datasets" / name)
    assert files_under(folder) == ["a/1.txt", "a/b/2.txt"]
    named = get_file("p.x", (tmp_path / name).as_uri(), extract=True)
    assert named == str(home / "datasets" / "p_extracted") and files_under(named) == files_under(folder)
    assert get_file("pics", (tmp_path / name).as_uri(), extract=True) == str(home / "datasets" / "pics")


def test_links_inside_an_archive(tmp_path):
    make_tar(tmp_path / "a.tgz", [link("second", "a/first"), link("hard", "a/first", tarfile.LNKTYPE), ("a/first", b"1")])
    assert extract_archive(tmp_path / "a.tgz", tmp_path / "out")
    assert (tmp_path / "out" / "second").read_bytes() == (tmp_path / "out" / "hard").read_bytes() == b"1"


@pytest.mark.parametrize(
    "members",
    [
        [("fine.txt", b"1"), ("../evil.txt", b"1")],
        [("/tmp/evil.txt", b"1")],
        [link("out", ".."), ("out/evil.txt", b"1")],
        [link("out", "/etc/passwd")],
        [link("hard", "../evil.txt", tarfile.LNKTYPE)],
        [link("pipe", "", tarfile.FIFOTYPE)],
    ],
)
def test_hostile_tar_writes_nothing(members, tmp_path):
    make_tar(tmp_path / "a.tar.gz", members)
    with pytest.raises(ValueError, match="extract_archive"):
        extract_archive(tmp_path / "a.tar.gz", tmp_path / "deep" / "out")
    assert files_under(tmp_path) == ["a.tar.gz"]


def test_hostile_zip_writes_nothing(tmp_path):
    make_zip(tmp_path / "a.zip", [("../evil.txt", b"1")])
    with pytest.raises(ValueError, match="outside"):
        extract_archive(tmp_path / "a.zip", tmp_path / "deep" / "out")
    assert files_under(tmp_path) == ["a.zip"]


def test_not_an_archive(source, home):
    assert not extract_archive(source, home)
    with pytest.raises(ValueError, match="rar"):
        extract_archive(source, home, "rar")
    with pytest.warns(UserWarning, match="not an archive"):
        get_file(origin=source.as_uri(), extract=True)
