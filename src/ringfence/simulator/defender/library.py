"""The library of live response: scripts and files that sessions use."""

import base64
import hashlib
import io
import logging

from python_multipart import parse_form
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import Field, File

from ringfence.simulator import odata, timestamps
from ringfence.simulator.defender import bodies
from ringfence.simulator.defender.registry import operation
from ringfence.simulator.filters import Schema
from ringfence.simulator.operations import ApiError, Call, Reply, entity, not_found
from ringfence.simulator.record import Document

SCHEMA = Schema("LibraryFile", (("fileName", "text"), ("sha256", "text"), ("createdBy", "text")))
LARGEST = 20 * 1024 * 1024
_ROLE = "Library.Manage"

# The parser reports each malformed form as a warning of its own; the reply says it already.
logging.getLogger("python_multipart").setLevel(logging.ERROR)


@operation("list_library_files", "GET", "libraryfiles", _ROLE)
def list_library_files(call: Call) -> Reply:
    """List the library."""
    options = odata.parse(call.query)
    records = [item.record for item in call.tenant.shelves["library_file"]]
    page = odata.apply(options, records, SCHEMA, call.tenant.settings.page_size)
    return odata.collection("LibraryFiles", page, options)


@operation("upload_library_file", "POST", "libraryfiles", _ROLE)
def upload_library_file(call: Call) -> Reply:
    """Take a file of at most 20 MB in; one of the same name is replaced only with OverrideIfExists."""
    fields, name, content = _form(call)
    shelf = call.tenant.shelves["library_file"]
    known = shelf.get(name)
    if known is not None and not _truth(fields, "OverrideIfExists"):
        raise ApiError(400, "InvalidInput", f"Invalid input File: {name} exists already. Send OverrideIfExists=true.")
    if len(content) > LARGEST:
        raise ApiError(400, "InvalidInput", f"Invalid input File: it has {len(content)} bytes, allowed are {LARGEST}.")
    moment = timestamps.stamp(call.now)
    parameters = fields.get("ParametersDescription") or None
    document: Document = {
        "fileName": name,
        "sha256": hashlib.sha256(content).hexdigest(),
        "description": fields.get("Description"),
        "creationTime": known.document["creationTime"] if known else moment,
        "lastUpdatedTime": moment,
        "createdBy": call.app.name,
        "hasParameters": _truth(fields, "HasParameters") or parameters is not None,
    }
    if parameters is not None:
        document["parametersDescription"] = parameters
    item = shelf.put(name, document, {"content": base64.b64encode(content).decode()})
    return entity("LibraryFiles", item.record.full())


@operation("delete_library_file", "DELETE", "libraryfiles/{name}", _ROLE)
def delete_library_file(call: Call) -> Reply:
    """Remove a file from the library."""
    if call.tenant.shelves["library_file"].drop(call.params["name"]) is None:
        raise not_found(f"Library file {call.params['name']}")
    return Reply(204)


def _form(call: Call) -> tuple[dict[str, str], str, bytes]:
    """Return the fields of a multipart form, and the name and content of its File. Raises ApiError 400."""
    fields: dict[str, str] = {}
    files: list[File] = []

    def on_field(field: Field) -> None:
        name, value = field.field_name or b"", field.value or b""
        fields[name.decode("utf-8", "replace")] = value.decode("utf-8", "replace")

    kind = call.headers.get("content-type", "")
    if not kind.lower().startswith("multipart/form-data"):
        raise bodies.incorrect()
    try:
        headers = {"Content-Type": kind.encode("latin-1", "replace")}
        parse_form(headers, io.BytesIO(call.body), on_field, files.append)
    except (FormParserError, ValueError, KeyError, IndexError):
        raise bodies.incorrect() from None
    read = [_read(file) for file in files if file.field_name == b"File"]
    if not read:
        raise bodies.missing("File")
    name, content = read[0]
    name = name.replace("\\", "/").rsplit("/", 1)[-1].strip()
    if not name:
        raise bodies.missing("File")
    return fields, name, content


def _read(file: File) -> tuple[str, bytes]:
    file.file_object.seek(0)
    content: bytes = file.file_object.read()
    file.close()
    return (file.file_name or b"").decode("utf-8", "replace"), content


def _truth(fields: dict[str, str], name: str) -> bool:
    value = fields.get(name, "false").strip().lower()
    if value not in ("true", "false"):
        raise bodies.incorrect()
    return value == "true"
