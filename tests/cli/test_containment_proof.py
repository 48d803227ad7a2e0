import io
import zipfile
from pathlib import Path

from cli_world import Ringfence
from contoso import Contoso


def test_the_proof_is_written_as_a_file_to_read_and_to_check(
    ringfence: Ringfence, contoso: Contoso, tmp_path: Path
) -> None:
    path = tmp_path / "proof.zip"
    said = ringfence.json("containment", "proof", contoso.containment_id, "-o", str(path))
    assert said == {"file": str(path), "bytes": path.stat().st_size}
    with zipfile.ZipFile(path) as file:
        assert sorted(file.namelist()) == ["audit-key.pem", "audit.jsonl", "manifest.json", "proof.html", "proof.json"]
        assert "fin-ws-014.contoso.com" in file.read("proof.html").decode()
    assert "proof.html" in ringfence("containment", "proof", contoso.containment_id, "-o", str(path)).stdout
    piped = ringfence("containment", "proof", contoso.containment_id, "-o", "-").stdout_bytes
    assert zipfile.ZipFile(io.BytesIO(piped)).namelist()


def test_with_json_the_proof_itself_is_printed(ringfence: Ringfence, contoso: Contoso) -> None:
    made = ringfence.json("containment", "proof", contoso.containment_id, "--by", "auditor")
    assert (made["kind"], made["made_by"]) == ("ringfence.containment.proof/1", "auditor")
    assert made["containment"]["id"] == contoso.containment_id


def test_what_cannot_be_proven_or_written_is_said(ringfence: Ringfence, contoso: Contoso, tmp_path: Path) -> None:
    assert ringfence.error("containment", "proof", "nonsense", "-o", str(tmp_path / "x"))["code"] == "not_found"
    said = ringfence.error("containment", "proof", contoso.containment_id, "-o", str(tmp_path))
    assert "cannot be written" in said["message"]
