"""The tool that reads security properties out of schemas, on schemas small enough to see through."""

import json
from pathlib import Path
from typing import Any

import pytest

from tools import security_properties as tool


@pytest.mark.parametrize(
    ("path", "anchor"),
    [
        ("KmsKeyId", ""),
        ("EncryptionConfiguration.KmsKey", ""),
        ("EncryptionConfig.*.Provider.KeyArn", ""),
        ("BucketEncryption.ServerSideEncryptionConfiguration.*.ServerSideEncryptionByDefault.KMSMasterKeyID", ""),
        ("Replicas.*.SSESpecification.KMSMasterKeyId", "Replicas.*"),
        ("DataCaptureConfig.KmsKeyId", "DataCaptureConfig"),
        ("Destination.EncryptionConfiguration.KMSEncryptionConfig.AWSKMSKeyARN", "Destination"),
        ("PublicAccessBlockConfiguration.BlockPublicAcls", ""),
    ],
)
def test_a_block_for_encryption_alone_is_no_anchor(path: str, anchor: str) -> None:
    assert tool._anchor(path) == anchor


@pytest.mark.parametrize(
    ("path", "node", "is_key"),
    [
        ("KmsMasterKeyId", {"type": "string"}, True),
        ("StreamEncryption.KeyId", {"type": "string"}, True),
        ("EncryptionKey.Id", {"type": "string"}, True),
        ("EncryptionKey", {"type": "object"}, False),
        ("Other.KeyId", {"type": "string"}, False),
        ("EncryptionKeyType", {"type": "string"}, False),
        ("KmsDataKeyReusePeriodSeconds", {"type": "integer"}, False),
    ],
)
def test_keys_are_told_by_name_and_kind(path: str, node: dict[str, Any], is_key: bool) -> None:
    assert tool._is_key(path, node) is is_key


def schemas(folder: Path, properties: dict[str, Any], **definitions: Any) -> Path:
    (folder / "providers").mkdir()
    (folder / "resources").mkdir()
    (folder / "providers" / f"{tool.REGION}.json").write_text(json.dumps({"AWS::A::Thing": "thing"}))
    schema = {"properties": properties, "definitions": definitions, "readOnlyProperties": ["/properties/KmsKeyArn"]}
    (folder / "resources" / "thing.json").write_text(json.dumps(schema))
    return folder


def test_a_schema_becomes_rows(tmp_path: Path) -> None:
    encryption = {"properties": {"Type": {"type": "string", "enum": ["KMS", "AES256"]}, "KmsKey": {"type": "string"}}}
    found = tool._cloudformation(
        schemas(
            tmp_path,
            {
                "KmsKeyArn": {"type": "string"},
                "Stores": {"type": "array", "items": {"$ref": "#/definitions/Store"}},
                "PubliclyAccessible": {"type": "boolean"},
            },
            Store={
                "properties": {
                    "Encryption": {"$ref": "#/definitions/Encryption"},
                    "Inner": {"$ref": "#/definitions/Store"},
                }
            },
            Encryption=encryption,
        )
    )
    rows = {(rule, row["path"]): row for rule, row in tool._rows(found["AWS::A::Thing"])}
    assert set(rows) == {
        ("ENC-1.customer-key", "Stores.*.Encryption.KmsKey"),
        ("ENC-1.encryption-on", "Stores.*.Encryption.Type"),
        ("PUB-2.not-public", "PubliclyAccessible"),
    }
    assert rows["ENC-1.customer-key", "Stores.*.Encryption.KmsKey"]["anchor"] == "Stores.*"
    assert rows["ENC-1.encryption-on", "Stores.*.Encryption.Type"]["expect"] == {"in": ["KMS"]}


def test_the_table_is_what_its_text_says() -> None:
    text = (tool.DATA / "properties.json").read_text()
    assert tool._written(json.loads(text)) == text
