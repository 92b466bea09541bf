"""Signed notes (C2SP signed-note) with Ed25519: text, a blank line, one line for each signature."""

from __future__ import annotations

import base64
import binascii
import hashlib
from dataclasses import dataclass, replace
from typing import Final, Self

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from roadwarden.errors import LedgerError

ED25519: Final = b"\x01"
_KEY_BYTES: Final = 32
_ID_BYTES: Final = 4
_DASH: Final = "\u2014 "
_PRIVATE: Final = "PRIVATE+KEY+"


@dataclass(frozen=True, slots=True)
class VerifierKey:
    """A name and an Ed25519 public key; as text ``name+id+key``, the form of Go's sumdb and of C2SP."""

    name: str
    public: bytes  # 32 bytes

    def __post_init__(self) -> None:
        if not _is_name(self.name):
            raise LedgerError(
                f"key name {self.name!r}: wanted something like roadwarden.example/west-lake, no blank, no +"
            )
        if len(self.public) != _KEY_BYTES:
            raise LedgerError(f"key {self.name}: an Ed25519 public key has {_KEY_BYTES} bytes, not {len(self.public)}")

    @property
    def id(self) -> bytes:
        """First 4 bytes of SHA-256 over name, newline, algorithm and key."""
        return hashlib.sha256(self.name.encode() + b"\n" + ED25519 + self.public).digest()[:_ID_BYTES]

    def __str__(self) -> str:
        return f"{self.name}+{self.id.hex()}+{_text(ED25519 + self.public)}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """From its text; raises LedgerError for any other, also where the id is not that of the key."""
        name, _, rest = text.partition("+")
        code, _, encoded = rest.partition("+")
        key = cls(name, _bytes(encoded, "public key", ED25519))
        if str(key) != text:
            raise LedgerError(f"public key {name}: its id is {key.id.hex()}, not {code}: the line was damaged")
        return key

    def verifies(self, text: str, signature: bytes) -> bool:
        """Whether the signature is one of this key over the text."""
        try:
            Ed25519PublicKey.from_public_bytes(self.public).verify(signature, text.encode())
        except (InvalidSignature, ValueError):
            return False
        return True


@dataclass(frozen=True, slots=True)
class SigningKey:
    """The private half; its text goes into a file that nobody else may read, and never into a log."""

    name: str
    seed: bytes  # 32 bytes

    def __post_init__(self) -> None:
        if len(self.seed) != _KEY_BYTES:
            raise LedgerError(f"private key {self.name}: not of {_KEY_BYTES} bytes: the file was damaged")

    @classmethod
    def new(cls, name: str) -> Self:
        """A random one."""
        return cls(name, Ed25519PrivateKey.generate().private_bytes_raw())

    @classmethod
    def parse(cls, text: str) -> Self:
        """From ``PRIVATE+KEY+name+id+seed``; raises LedgerError that does not show it."""
        name, _, rest = text.removeprefix(_PRIVATE).partition("+")
        code, _, encoded = rest.partition("+")
        if not text.startswith(_PRIVATE):
            raise LedgerError("no private key of a log: it begins with PRIVATE+KEY+")
        key = cls(name, _bytes(encoded, "private key", ED25519))
        if key.verifier.id.hex() != code:
            raise LedgerError(f"private key {name}: its id is not that of its key: the file was damaged")
        return key

    @property
    def verifier(self) -> VerifierKey:
        """The public half."""
        public = Ed25519PrivateKey.from_private_bytes(self.seed).public_key().public_bytes_raw()
        return VerifierKey(self.name, public)

    def text(self) -> str:
        """What ``parse`` reads."""
        return f"{_PRIVATE}{self.name}+{self.verifier.id.hex()}+{_text(ED25519 + self.seed)}"

    def sign(self, text: str) -> SignedNote:
        """A note with this one signature."""
        signature = Ed25519PrivateKey.from_private_bytes(self.seed).sign(text.encode())
        return SignedNote(text, (NoteSignature(self.name, self.verifier.id, signature),))

    def __repr__(self) -> str:
        return f"SigningKey({self.name!r}, ...)"


@dataclass(frozen=True, slots=True)
class NoteSignature:
    """One line below a note."""

    name: str
    key_id: bytes
    signature: bytes

    def __str__(self) -> str:
        return f"{_DASH}{self.name} {_text(self.key_id + self.signature)}\n"


@dataclass(frozen=True, slots=True)
class SignedNote:
    """A text whose last character is a newline, and its signatures."""

    text: str
    signatures: tuple[NoteSignature, ...]

    def __str__(self) -> str:
        return self.text + "\n" + "".join(str(one) for one in self.signatures)

    @classmethod
    def parse(cls, content: str) -> Self:
        """From its one spelling; raises LedgerError for anything else."""
        text, blank, lines = content.rpartition("\n\n")
        if not blank or not lines.endswith("\n") or any(char < " " and char != "\n" for char in content):
            raise LedgerError("no signed note: wanted text, a blank line and signatures")
        note = cls(text + "\n", tuple(_signature(line) for line in lines.removesuffix("\n").split("\n")))
        if str(note) != content:
            raise LedgerError("the signed note is not spelled as notes are")
        return note

    def signed_by(self, key: VerifierKey) -> bool:
        """Whether one of the signatures is a good one of this key; those of others are passed over."""
        named = (one for one in self.signatures if one.name == key.name and one.key_id == key.id)
        return any(key.verifies(self.text, one.signature) for one in named)

    def also(self, other: SignedNote) -> SignedNote:
        """With the signatures of another note of the same text."""
        return replace(self, signatures=(*self.signatures, *other.signatures))


def _signature(line: str) -> NoteSignature:
    name, blank, encoded = line.removeprefix(_DASH).partition(" ")
    if not line.startswith(_DASH) or not blank or not _is_name(name):
        raise LedgerError(f"no signature line: {line[:80]!r}")
    content = _bytes(encoded, f"signature of {name}")
    if len(content) <= _ID_BYTES:
        raise LedgerError(f"signature of {name}: too short")
    return NoteSignature(name, content[:_ID_BYTES], content[_ID_BYTES:])


def _is_name(name: str) -> bool:
    return bool(name) and not any(char.isspace() or char < " " or char == "+" for char in name)


def _text(content: bytes) -> str:
    return base64.b64encode(content).decode()


def _bytes(encoded: str, what: str, begins: bytes = b"") -> bytes:
    """Strict base64, without ``begins``."""
    try:
        content = base64.b64decode(encoded.encode(), validate=True)
    except (binascii.Error, ValueError):
        content = b""
    if not content.startswith(begins) or not content or _text(content) != encoded:
        raise LedgerError(f"{what}: not base64 of what was wanted")
    return content.removeprefix(begins)
